import { toDigits } from '../domain/code';
import type { Keyring } from '../platform/keys/keyring';
import { constantTimeEqual } from '../platform/keys/secret';

/** What digits are derived from: they are not stored. */
export interface Derived {
  id: string;
  generation: number;
  length: number;
}

/** The digits of codes of one kind: another `purpose` gives others. */
export const createDigits = (purpose: string, keyring: Pick<Keyring, 'mac' | 'macs'>) => ({
  of: ({ id, generation, length }: Derived): string => toDigits(keyring.mac(purpose, id, String(generation)), length),

  /** In constant time; also under older keys: the code may have been sent before the ring was turned. */
  isRight({ id, generation, length }: Derived, typed: string): boolean {
    const expected = keyring.macs(purpose, id, String(generation)).map((mac) => toDigits(mac, length));
    return expected.filter((digits) => constantTimeEqual(digits, typed)).length > 0;
  },
});
