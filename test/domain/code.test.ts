import { describe, expect, test } from '@jest/globals';
import { isCodeExpired, toDigits } from '../../domain/code';
import { stepsAt } from '../../domain/totp';

const mac = (hex: string) => Uint8Array.from(Buffer.from(hex.padEnd(64, 'f'), 'hex'));

describe('the digits of a code', () => {
  test.each([
    ['0000000000000000', 6, '000000'],
    ['0000000000000007', 4, '0007'],
    ['00000000000f4240', 6, '000000'], // a million
    ['00000000000f4241', 6, '000001'],
    ['00000000000f4241', 7, '1000001'],
    ['ffffffffffffffff', 6, '551615'], // 18446744073709551615
    ['ffffffffffffffff', 10, '3709551615'],
  ])('are the first 64 bits of its MAC, modulo: %s to %i digits', (hex, length, digits) => {
    expect(toDigits(mac(hex), length)).toBe(digits);
  });

  test('are read where the MAC begins, also within a larger buffer', () => {
    const inside = new Uint8Array([9, 9, ...mac('0000000000000007')]).subarray(2);
    expect(toDigits(inside, 4)).toBe('0007');
  });
});

test('a code has expired from its last moment on', () => {
  expect([99, 100, 101].map((readAtMs) => isCodeExpired({ expiresAtMs: 100, readAtMs }))).toEqual([false, true, true]);
});

test('a step lasts for its period, and one before and after it count', () => {
  expect(stepsAt(59_999, { period: 30 })).toEqual([0, 1, 2]);
  expect(stepsAt(60_000, { period: 30 })).toEqual([1, 2, 3]);
  expect(stepsAt(60_000, { period: 20 })).toEqual([2, 3, 4]);
});
