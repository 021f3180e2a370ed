import { parsePhoneNumberFromString } from 'libphonenumber-js';
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
