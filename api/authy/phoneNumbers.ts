import { languageOfCountry, toLocale } from '../../domain/locale';
import type { CodeChannel } from '../../domain/code';
import { lineOf } from '../../domain/phoneLine';
import { splitPhone, toE164 } from '../../domain/phoneNumber';
import type { Parameters } from './parameters';
import { invalidParameter } from './refusals';
import type { AuthyRefusal } from './refusals';

/**
 * A phone number as the Authy API takes it, in E.164: its country code apart from it, with dashes, dots and blanks, with
 * or without the zero that people dial within their country.
 * @throws AuthyRefusal 60004 where either is missing, `invalid` where there is no such number
 */
export function readPhone(
  parameters: Pick<Parameters, 'requiredText' | 'requiredInteger'>,
  names: { countryCode: string; number: string },
  invalid: () => AuthyRefusal,
): string {
  const countryCode = parameters.requiredInteger(names.countryCode);
  const number = parameters.requiredText(names.number, 40).trim();
  // Some write the whole number nevertheless.
  const international = number.startsWith('+') ? number : `+${countryCode}${number}`;
  try {
    const phone = toE164(international.replaceAll('.', ' '));
    // Together they may begin with another country's code: 4 and 179… are no Swiss number.
    if (splitPhone(phone).callingCode === String(countryCode)) return phone;
  } catch {
    // said below, in the words of the caller
  }
  throw invalid();
}

const CHANNELS: ReadonlyMap<string, CodeChannel> = new Map([
  ['sms', 'sms'],
  ['call', 'voice'],
]);

/** How a message is to come. @throws AuthyRefusal 60004 */
export function readChannel(parameters: Pick<Parameters, 'requiredText'>): CodeChannel {
  const channel = CHANNELS.get(parameters.requiredText('via'));
  if (channel === undefined) throw invalidParameter('via', 'is neither sms nor call');
  return channel;
}

/** In what language a message to a phone is: as it is asked for, English where we do not know that, or its country's own. */
export function readLocale(parameters: Pick<Parameters, 'text'>, phone: string): string {
  const asked = parameters.text('locale', 20);
  return asked === undefined ? languageOfCountry(lineOf(phone).country) : (toLocale(asked) ?? 'en');
}

/** The number within its country, of which only the last digits are told. */
export const maskedNumber = (phone: string | null): string => `XXX-XXX-${phone?.slice(-4) ?? 'XXXX'}`;
