import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { canonical } from '../../../channels/authy/canonical';
import { signAuthy } from '../../../channels/authy/sign';

/** Made-up callbacks whose signatures the real verifiers of authy-client, authy-python and authy-java accept. */
const { key, url, vectors } = JSON.parse(readFileSync(join(__dirname, 'vectors.json'), 'utf8')) as {
  key: string;
  url: string;
  vectors: {
    name: string;
    method: string;
    nonce: string;
    signature: string;
    signed: string;
    body: Record<string, unknown>;
  }[];
};

test.each(vectors)('a callback is signed as clients verify it: $name', (vector) => {
  const { method, nonce, signature, signed, body } = vector;
  expect([nonce, method, url, canonical(body)].join('|')).toBe(signed);
  expect(createHmac('sha256', key).update(signed).digest('base64')).toBe(signature);
  expect(signAuthy(key, { nonce, method, url, parameters: body })).toBe(signature);
});

test.each([['nonce'], ['method'], ['url'], ['key']])('another %s gives another signature', (what) => {
  const { method, nonce, signature, body } = vectors[0]!;
  const call = { nonce, method, url, parameters: body, ...(what === 'key' ? {} : { [what]: 'another' }) };
  expect(signAuthy(what === 'key' ? 'another' : key, call)).not.toBe(signature);
});

/** What Rails writes for contents about which clients have disagreed. */
test.each([
  ['other alphabets', { a: 'Ü €' }, 'a=%C3%9C+%E2%82%AC'],
  ['marks', { a: `!'()/+=&;,?%"\n` }, 'a=%21%27%28%29%2F%2B%3D%26%3B%2C%3F%25%22%0A'],
  ['an empty text', { a: '' }, 'a='],
  ['null and booleans', { a: null, b: true, c: false }, 'a=&b=true&c=false'],
  ['an empty hash and an empty list', { a: {}, b: [], c: 1 }, 'c=1'],
  ['nothing at all', { a: {}, b: { c: [] } }, ''],
  ['one logo', { l: [{ res: 'default', url: 'u' }] }, 'l%5B%5D%5Bres%5D=default&l%5B%5D%5Burl%5D=u'],
  [
    'two logos, in their order, and so their members',
    {
      l: [
        { url: 'v', res: 'low' },
        { res: 'default', url: 'u' },
      ],
    },
    'l%5B%5D%5Burl%5D=v&l%5B%5D%5Bres%5D=low&l%5B%5D%5Bres%5D=default&l%5B%5D%5Burl%5D=u',
  ],
  [
    'eleven elements, not sorted as texts',
    { l: Array.from({ length: 11 }, (_, index) => index) },
    Array.from({ length: 11 }, (_, index) => `l%5B%5D=${index}`).join('&'),
  ],
  ['a list of texts', { l: ['pin', 'fingerprint'] }, 'l%5B%5D=pin&l%5B%5D=fingerprint'],
  ['a list of booleans', { l: [true, false] }, 'l%5B%5D=true&l%5B%5D=false'],
  ['a boolean inside a hash', { d: { b: true } }, 'd%5Bb%5D=true'],
  ['capitals before small letters', { d: { alpha: 1, Zeta: 2 } }, 'd%5BZeta%5D=2&d%5Balpha%5D=1'],
  ['a_b after aB', { d: { a_b: 1, aB: 2 } }, 'd%5BaB%5D=2&d%5Ba_b%5D=1'],
  ['names that are numbers', { d: { 10: 'a', 9: 'b' } }, 'd%5B10%5D=a&d%5B9%5D=b'],
  [
    'a name that continues another: sorted when escaped',
    { d: { Account: 1, 'Account Number': 2 } },
    'd%5BAccount%5D=1&d%5BAccount+Number%5D=2',
  ],
  ['a tilde, bare', { a: '~' }, 'a=~'],
  ['a star, escaped', { a: '*' }, 'a=%2A'],
  ['a text that begins with None', { a: 'None of it' }, 'a=None+of+it'],
  ['numbers in plain decimals', { a: 0, b: -1, c: 1.5, d: 9_007_199_254_740_991 }, 'a=0&b=-1&c=1.5&d=9007199254740991'],
])('%s', (_what, parameters, expected) => {
  expect(canonical(parameters)).toBe(expected);
});

test('a name of JavaScript is a name like any other', () => {
  expect(canonical(JSON.parse('{"__proto__":{"a":1},"constructor":"c"}') as Record<string, unknown>)).toBe(
    '__proto__%5Ba%5D=1&constructor=c',
  );
});

test('what no parameter can hold is refused', () => {
  expect(() => canonical({ a: () => 1 })).toThrow(TypeError);
});
