import { externalId } from '../contracts/shapes';
import type { ImportedUser } from '../db/users';
import { readAuthyId } from '../domain/authyId';
import { isEmail } from '../domain/email';
import { DomainError } from '../domain/errors';
import { isCallingCode, toE164, toE164Within } from '../domain/phoneNumber';
import type { LineRefusal } from '../domain/userImport';

/**
 * What columns may be called; case, blanks and marks do not count (`Authy ID`, `country-code`). Not `id` or `user_id`:
 * those are as likely somebody's own.
 */
const NAMES = {
  authyId: ['authyid', 'authyuserid'],
  countryCode: ['countrycode', 'phonecountrycode', 'cellphonecountrycode', 'callingcode', 'dialcode'],
  phone: ['phone', 'phonenumber', 'cellphone', 'cellphonenumber', 'cell', 'mobile', 'mobilephone', 'mobilenumber'],
  email: ['email', 'emailaddress'],
  externalId: ['externalid', 'customid', 'customuserid'],
  confirmed: ['confirmed', 'isconfirmed'],
} as const;

/** What a file of refused lines has before these; read over when such a file is imported. */
export const REFUSED_COLUMNS: readonly string[] = ['refused_line', 'refused_code', 'refused_reason'];

type Field = keyof typeof NAMES;
const FIELDS = Object.keys(NAMES) as Field[];

/** Where each field stands in a line. */
export type Columns = Partial<Record<Field, number>>;

/** The header of a file that cannot be imported; the sentence says why. */
export class UnusableHeader extends Error {}

/** Finds the columns by their names. @throws UnusableHeader where one is missing, or there twice */
export function findColumns(header: readonly string[]): { columns: Columns; unused: string[] } {
  const columns: Columns = {};
  const unused: string[] = [];
  header.forEach((name, index) => {
    const plain = name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
    const field = FIELDS.find((each) => (NAMES[each] as readonly string[]).includes(plain));
    if (!field) return void (name !== '' && !REFUSED_COLUMNS.includes(name) && unused.push(name));
    if (columns[field] !== undefined) {
      throw new UnusableHeader(`two columns say the same: ${header[columns[field]]}, ${name}`);
    }
    columns[field] = index;
  });
  if (columns.authyId === undefined) throw new UnusableHeader('there is no column authy_id');
  if (columns.phone === undefined && columns.externalId === undefined) {
    throw new UnusableHeader('there is no column phone, nor external_id');
  }
  return { columns, unused };
}

/** Cells of spreadsheets and of our own files: what would be a formula has an apostrophe before it. */
const APOSTROPHE = /^'(?=[=+\-@＝＋－＠])/;
/** As exports of databases spell nothing. */
const NOTHING: ReadonlySet<string> = new Set(['', 'NULL', '\\N']);
const YES: ReadonlySet<string> = new Set(['true', 't', 'yes', 'y', '1']);
const NO: ReadonlySet<string> = new Set(['false', 'f', 'no', 'n', '0']);

/** Whom a line is about, or why that cannot be said. */
export function readLine(columns: Columns, cells: readonly string[]): ImportedUser | LineRefusal {
  if (cells.some((cell) => cell.includes('\uFFFD'))) return 'not_utf8';
  const cell = (field: Field): string | undefined => {
    const index = columns[field];
    const text = index === undefined ? '' : (cells[index]?.trim() ?? '');
    return NOTHING.has(text) ? undefined : text.replace(APOSTROPHE, '');
  };

  const authyId = readAuthyId(cell('authyId'));
  if (authyId === undefined) return 'authy_id_invalid';
  const own = cell('externalId');
  if (own !== undefined && !externalId.safeParse(own).success) return 'external_id_invalid';
  const email = cell('email');
  if (email !== undefined && !isEmail(email)) return 'email_invalid';
  const confirmed = cell('confirmed')?.toLowerCase() ?? 'false';
  if (!YES.has(confirmed) && !NO.has(confirmed)) return 'confirmed_invalid';

  const number = cell('phone');
  const countryCode = cell('countryCode')?.replace(/^\+|^00/, '');
  if (number === undefined && own === undefined) return 'phone_missing';
  if (countryCode !== undefined && !isCallingCode(countryCode)) return 'country_code_invalid';
  const phone = number === undefined ? null : readPhone(countryCode, number);
  if (phone === undefined) return 'phone_invalid';
  return { authyId, phone, email: email ?? null, externalId: own ?? null, isConfirmed: YES.has(confirmed) };
}

function readPhone(countryCode: string | undefined, number: string): string | undefined {
  try {
    return countryCode === undefined ? toE164(number.replaceAll('.', ' ')) : toE164Within(countryCode, number);
  } catch (error) {
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}
