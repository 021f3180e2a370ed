// The larger metadata: those of the other modules do not tell what kind of line a number is.
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { NumberType } from 'libphonenumber-js/max';
import { DomainError } from './errors';

/** The words of the Authy API. */
export const LINE_TYPES = ['cellphone', 'landline', 'voip', 'unknown'] as const;
export type LineType = (typeof LINE_TYPES)[number];

/** What the numbering plan of its country says about a phone number; nobody was asked. */
export interface PhoneLine {
  /** `unknown` also where the plan does not keep mobile phones apart, as in North America. */
  type: LineType;
  /** A text message may reach it. */
  takesTexts: boolean;
  /** Whoever calls it, or writes to it, pays somebody: nobody proves to have such a phone. */
  isCostly: boolean;
  /** ISO 3166; undefined where the number belongs to no country. */
  country: string | undefined;
  /** Calling code, without +. */
  countryCode: string;
  /** As people read it: `+1 415-555-2671`. */
  shown: string;
}

const TYPES: Partial<Record<NonNullable<NumberType>, LineType>> = {
  MOBILE: 'cellphone',
  FIXED_LINE: 'landline',
  VOIP: 'voip',
};
const COSTLY: ReadonlySet<NumberType> = new Set([
  ...(['PREMIUM_RATE', 'SHARED_COST', 'UAN', 'PAGER', 'VOICEMAIL'] as const),
]);

/** @param e164 as `toE164` answers it */
export function lineOf(e164: string): PhoneLine {
  const number = parsePhoneNumberFromString(e164, { extract: false });
  const kind = number?.getType();
  const type = (kind && TYPES[kind]) ?? 'unknown';
  return {
    type,
    takesTexts: type !== 'landline',
    isCostly: COSTLY.has(kind),
    country: number?.country,
    countryCode: number?.countryCallingCode ?? '',
    shown: number?.formatInternational().replace(/(?<= .*) /g, '-') ?? e164,
  };
}

/** Refuses numbers whose owner is paid for every code that is sent there. @throws phone_invalid, naming the field */
export function requireUncharged(phone: string, field: string): PhoneLine {
  const line = lineOf(phone);
  if (line.isCostly) throw new DomainError('phone_invalid', { field, reason: 'calls to it are charged' });
  return line;
}
