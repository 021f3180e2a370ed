import { parsePhoneNumberFromString } from 'libphonenumber-js';
import { DomainError } from './errors';

/**
 * A phone number in E.164. Only the international form is understood: a guess of the country would send codes to
 * strangers.
 * @throws phone_invalid
 */
export function toE164(text: string): string {
  const number = text.trim().startsWith('+') ? parsePhoneNumberFromString(text.trim()) : undefined;
  if (!number?.isValid()) throw new DomainError('phone_invalid', { field: 'phone', reason: 'give it as +41446681800' });
  return number.number;
}
