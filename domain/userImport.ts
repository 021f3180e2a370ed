/** Why a line of an import is refused. The codes are part of what the command promises: they are never renamed. */
const LINE_REFUSALS = {
  // the line by itself
  line_unreadable: 'its quotes do not fit together',
  columns_differ: 'it has not as many cells as the header',
  not_utf8: 'it holds bytes that are not UTF-8',
  authy_id_invalid: 'the Authy id is not a whole number from 1 to 2147483647',
  phone_missing: 'it has neither a phone number nor an external id',
  country_code_invalid: 'no country is called by this code',
  phone_invalid: 'there is no such phone number',
  email_invalid: 'this is not an e-mail address',
  external_id_invalid: 'an external id has 1 to 128 characters, none of them a control character',
  confirmed_invalid: 'confirmed is true or false',
  // against what is there
  authy_id_in_use: 'somebody else of this installation has the Authy id',
  user_removed: 'the user with this Authy id was removed here',
  phone_differs: 'the user with this Authy id has another phone number here',
  external_id_differs: 'the user with this Authy id has another external id here',
  phone_in_use: 'the phone number has another Authy id here',
  external_id_in_use: 'the external id has another Authy id here',
} as const;

export type LineRefusal = keyof typeof LINE_REFUSALS;
export const LINE_REFUSAL_CODES = Object.keys(LINE_REFUSALS) as LineRefusal[];

/** What is wrong with a refused line, for people; programs look at the code. */
export const lineSentence = (code: LineRefusal): string => LINE_REFUSALS[code];

/** What became of a line: `known` is there as the line says, and is left as it is. */
export type ImportOutcome = 'added' | 'known' | LineRefusal;

interface Person {
  authyId: number;
  externalId: string | null;
  /** E.164 */
  phone: string | null;
}

/** Who has an Authy id, a phone or an external id already. Of other tenants' users nothing is told but that they have the id. */
export interface Holder extends Person {
  isOurs: boolean;
  isRemoved: boolean;
}

/** Judges lines one after the other against who is there, and against the lines before. */
export function createJudge() {
  const byAuthyId = new Map<number, Holder>();
  const byPhone = new Map<string, Holder>();
  const byExternalId = new Map<string, Holder>();

  function note(holder: Holder): void {
    byAuthyId.set(holder.authyId, holder);
    if (holder.phone !== null) byPhone.set(holder.phone, holder);
    if (holder.externalId !== null) byExternalId.set(holder.externalId, holder);
  }

  return {
    note,

    /** The phone says who somebody is, so that a line is never half a match. */
    judge({ authyId, phone, externalId }: Person): ImportOutcome {
      const same = byAuthyId.get(authyId);
      if (same) {
        if (!same.isOurs) return 'authy_id_in_use';
        if (same.isRemoved) return 'user_removed';
        if (phone !== null && same.phone !== phone) return 'phone_differs';
        if (externalId !== null && same.externalId !== externalId) return 'external_id_differs';
        return 'known';
      }
      if (phone !== null && byPhone.has(phone)) return 'phone_in_use';
      if (externalId !== null && byExternalId.has(externalId)) return 'external_id_in_use';
      note({ authyId, phone, externalId, isOurs: true, isRemoved: false });
      return 'added';
    },
  };
}
export type Judge = ReturnType<typeof createJudge>;
