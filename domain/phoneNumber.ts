import { getCountries, getCountryCallingCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';
import { DomainError } from './errors';

/**
 * A phone number in E.164. Only the international form is understood: a guess of the country would send codes to
 * strangers. Nor is a number picked out of a text, or an extension left off: nobody can call that.
 * @throws phone_invalid
 */
export function toE164(text: string): string {
  const trimmed = text.trim();
  const number = trimmed.startsWith('+') ? parsePhoneNumberFromString(trimmed, { extract: false }) : undefined;
  if (!number?.isValid() || number.ext !== undefined)
    throw new DomainError('phone_invalid', { field: 'phone', reason: 'give it as +41446681800' });
  return number.number;
}

/**
 * A phone number whose country code (`41`) stands apart from it, in E.164: with dashes, dots and blanks, with or without
 * the zero that people dial within their country. Some write the whole number nevertheless.
 * @throws phone_invalid
 */
export function toE164Within(countryCode: string, text: string): string {
  const number = text.trim();
  const phone = toE164((number.startsWith('+') ? number : `+${countryCode}${number}`).replaceAll('.', ' '));
  // Together they may begin with another country's code: 4 and 179… are no Swiss number.
  if (splitPhone(phone).callingCode !== countryCode) {
    throw new DomainError('phone_invalid', { field: 'phone', reason: 'is of another country' });
  }
  return phone;
}

const CALLING_CODES: ReadonlySet<string> = new Set(getCountries().map((country) => getCountryCallingCode(country)));

/** Whether some country is called by this code: `41`. */
export const isCallingCode = (code: string): boolean => CALLING_CODES.has(code);

/** Whether some phone numbers belong to a country of this ISO 3166 code: `CH`. */
export const isPhoneCountry = (code: string): boolean => isSupportedCountry(code);

/** A phone number in E.164 as its calling code and the rest. */
export function splitPhone(e164: string): { callingCode: string; national: string } {
  const number = parsePhoneNumberFromString(e164, { extract: false });
  return number
    ? { callingCode: number.countryCallingCode, national: number.nationalNumber }
    : { callingCode: '', national: e164 };
}
