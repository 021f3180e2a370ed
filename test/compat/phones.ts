import { randomInt } from 'node:crypto';

let next = randomInt(0, 900_000);

/** A phone in San Francisco that nobody else has. */
export function newPhone() {
  const number = `4152${String(next++ % 1_000_000).padStart(6, '0')}`;
  return { countryCode: '1', number, e164: `+1${number}`, shown: `+1 415-${number.slice(3, 6)}-${number.slice(6)}` };
}
export type Phone = ReturnType<typeof newPhone>;

/** Numbers of other kinds; nobody has them. */
export const PHONES = {
  mobile: { countryCode: '41', phone: '791234567' },
  landline: { countryCode: '41', phone: '446681800' },
  voip: { countryCode: '44', phone: '5600123456' },
  premium: { countryCode: '41', phone: '900123456' },
} as const;
