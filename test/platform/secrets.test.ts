import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { looksLikeApiKey, mintApiKey } from '../../platform/keys/apiKey';
import { constantTimeEqual, fromBase64url, randomToken, sha256, toBase64url } from '../../platform/keys/secret';

describe('an API key', () => {
  test('is recognised, and no two are the same', () => {
    const keys = Array.from({ length: 100 }, mintApiKey);
    expect(keys.filter((key) => !looksLikeApiKey(key))).toEqual([]);
    expect(keys.filter((key) => !/^ck_[0-9A-Za-z]{38}$/.test(key))).toEqual([]);
    expect(new Set(keys).size).toBe(100);
  });

  test('with any one character mistyped is not recognised', () => {
    const key = mintApiKey();
    const mistyped = Array.from(key, (character, at) => {
      const other = character === 'x' ? 'y' : 'x';
      return key.slice(0, at) + other + key.slice(at + 1);
    });
    expect(mistyped.filter(looksLikeApiKey)).toEqual([]);
  });

  test.each([
    ['two characters swapped', (key: string) => swapFirstDifferent(key)],
    ['a space behind it', (key: string) => `${key} `],
    ['a line break behind it', (key: string) => `${key}\n`],
    ['its end missing', (key: string) => key.slice(0, -1)],
    ['nothing in it', () => ''],
  ])('with %s is not recognised', (_what, spoil) => {
    expect(looksLikeApiKey(spoil(mintApiKey()))).toBe(false);
  });

  test('that was minted long ago is still recognised', () => {
    expect(looksLikeApiKey(`ck_${'0'.repeat(32)}2wjyrI`)).toBe(true);
  });
});

describe('a random token', () => {
  test('is the prefix and as many bytes as asked for', () => {
    expect(randomToken('rt_')).toMatch(/^rt_[\w-]{43}$/);
    expect(fromBase64url(randomToken('', 16))).toHaveLength(16);
    expect(randomToken('rt_')).not.toBe(randomToken('rt_'));
  });
});

test('secrets are equal or not, whatever their length and kind', () => {
  expect(constantTimeEqual('abc', Buffer.from('abc'))).toBe(true);
  expect(constantTimeEqual('', '')).toBe(true);
  expect(constantTimeEqual('abc', 'abd')).toBe(false);
  expect(constantTimeEqual('abc', 'abcd')).toBe(false);
});

test('sha256 digests text as UTF-8', () => {
  expect(sha256('abc').toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(sha256('é')).toEqual(sha256(Buffer.from([0xc3, 0xa9])));
});

describe('base64url', () => {
  test('gives all bytes back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => expect(fromBase64url(toBase64url(bytes))).toEqual(Buffer.from(bytes))),
    );
  });

  test.each(['AAA=', 'A', 'AB', '+/+/', 'AA AA', 'AAAA\n', 'é'])('does not read %j', (text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });
});

function swapFirstDifferent(key: string): string {
  const at = Array.from(key).findIndex((character, i) => i > 3 && character !== key[i - 1]);
  return key.slice(0, at - 1) + key.charAt(at) + key.charAt(at - 1) + key.slice(at + 1);
}
