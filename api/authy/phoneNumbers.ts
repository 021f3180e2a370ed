import { languageOfCountry, toLocale } from '../../domain/locale';
import type { PhoneChannel } from '../../domain/code';
import { lineOf } from '../../domain/phoneLine';
import { toE164Within } from '../../domain/phoneNumber';
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
  const number = parameters.requiredText(names.number, 40);
  try {
    return toE164Within(String(countryCode), number);
  } catch {
    throw invalid();
  }
}

/** The number that `country_code` and `phone_number` name, in E.164. @throws AuthyRefusal 60004, or what `invalid` gives */
export const readPhoneNumber = (
  parameters: Pick<Parameters, 'requiredInteger' | 'requiredText'>,
  invalid: () => AuthyRefusal,
): string => readPhone(parameters, { countryCode: 'country_code', number: 'phone_number' }, invalid);

const CHANNELS: ReadonlyMap<string, PhoneChannel> = new Map([
  ['sms', 'sms'],
  ['call', 'voice'],
]);

/** How a message is to come. @throws AuthyRefusal 60004 */
export function readChannel(parameters: Pick<Parameters, 'requiredText'>): PhoneChannel {
  const channel = CHANNELS.get(parameters.requiredText('via'));
  if (channel === undefined) throw invalidParameter('via', 'is neither sms nor call');
  return channel;
}

/**
 * In what language a message to a person is: as it is asked for, English where we do not know that, or the phone's
 * country's own.
 */
export function readLocale(parameters: Pick<Parameters, 'text'>, phone: string | null): string {
  const asked = parameters.text('locale', 20);
  if (asked !== undefined) return toLocale(asked) ?? 'en';
  return languageOfCountry(phone === null ? undefined : lineOf(phone).country);
}

/** The number within its country, of which only the last digits are told. */
export const maskedNumber = (phone: string | null): string => `XXX-XXX-${phone?.slice(-4) ?? 'XXXX'}`;
