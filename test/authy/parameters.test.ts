import { describe, expect, test } from '@jest/globals';
import type { Request } from 'express';
import { readParameters } from '../../api/authy/parameters';
import { AuthyRefusal } from '../../api/authy/refusals';
import { DomainError } from '../../domain/errors';

interface Sent {
  query?: string;
  body?: string | Buffer;
  type?: string;
}

/** What the handler of a request with these sees. */
function read({ query, body, type = 'application/x-www-form-urlencoded' }: Sent) {
  const request = {
    originalUrl: query === undefined ? '/x' : `/x?${query}`,
    body: body === undefined ? undefined : Buffer.from(body as string),
    get: () => type,
  };
  return readParameters(request as unknown as Request);
}
const inForm = (body: string) => read({ body });
const inJson = (value: unknown) => read({ body: JSON.stringify(value), type: 'application/json' });

function refusalOf(act: () => unknown): number | string {
  try {
    act();
  } catch (error) {
    if (error instanceof AuthyRefusal) return error.number;
    if (error instanceof DomainError) return error.code;
    throw error;
  }
  return 'taken';
}

describe('where parameters travel', () => {
  test.each<[string, Sent]>([
    ['query', { query: 'user%5Bemail%5D=a%40b.c&user[country_code]=1' }],
    ['form', { body: 'user[email]=a%40b.c&user%5Bcountry_code%5D=1' }],
    ['JSON', { body: '{"user":{"email":"a@b.c","country_code":1}}', type: 'application/json' }],
    [
      'JSON with a charset',
      { body: '{"user":{"email":"a@b.c","country_code":1}}', type: 'application/json; charset=utf-8' },
    ],
    ['JSON without a type', { body: ' {"user":{"email":"a@b.c","country_code":"1"}}', type: '' }],
    ['query and form together', { query: 'user[email]=a@b.c', body: 'user[country_code]=1' }],
    [
      'query and JSON together',
      { query: 'user[email]=a@b.c', body: '{"user":{"country_code":1}}', type: 'application/json' },
    ],
  ])('%s', (_where, sent) => {
    const parameters = read(sent);
    expect(parameters.text('user[email]')).toBe('a@b.c');
    expect(parameters.integer('user[country_code]')).toBe(1);
  });

  test('the query wins', () => {
    expect(read({ query: 'force=true', body: 'force=false' }).flag('force')).toBe(true);
  });

  test.each([undefined, '', '&', '&&'])('nothing in the query %p', (query) => {
    expect(read({ ...(query !== undefined && { query }) }).tree).toEqual({});
  });

  test.each(['null', '{}'])('nothing in the JSON %s', (body) => {
    expect(read({ body, type: 'application/json' }).tree).toEqual({});
  });

  test('blanks are written + or %20, and what is not ASCII escaped or not', () => {
    expect(inForm('message=my+hook').text('message')).toBe('my hook');
    expect(inForm('message=my%20hook').text('message')).toBe('my hook');
    expect(inForm('message=Z%C3%BCrich+1%2B1').text('message')).toBe('Zürich 1+1');
    expect(read({ query: `id=${Buffer.from('Zürich').toString('latin1')}` }).text('id')).toBe('Zürich');
  });
});

describe('booleans, numbers and what is unset', () => {
  test.each(['true', 'True', 'TRUE', '1', ' true '])('%p is true', (text) => {
    expect(inForm(`force=${text}`).flag('force')).toBe(true);
  });
  test.each(['false', 'False', 'FALSE', '0'])('%p is false', (text) => {
    expect(inForm(`force=${text}`).flag('force', true)).toBe(false);
  });
  test.each<[unknown, boolean]>([
    [true, true],
    [1, true],
    [false, false],
    [0, false],
  ])('JSON %p is %p', (value, expected) => {
    expect(inJson({ force: value }).flag('force')).toBe(expected);
  });
  test('another word is neither', () => {
    expect(refusalOf(() => inForm('force=maybe').flag('force'))).toBe(60004);
  });

  test.each([null, '', {}, [], undefined])('%j is unset', (value) => {
    const parameters = inJson({ x: value });
    expect(parameters.any('x')).toBeUndefined();
    expect(parameters.text('x')).toBeUndefined();
    expect(parameters.flag('x', true)).toBe(true);
    expect(parameters.hash('x')).toBeUndefined();
    expect(parameters.list('x')).toEqual([]);
    expect(refusalOf(() => parameters.requiredText('x'))).toBe(60004);
  });

  test.each(['86400', 86400, ' 86400 '])('%p is a number', (value) => {
    expect(inJson({ seconds: value }).integer('seconds')).toBe(86_400);
  });
  test.each(['1.5', '1e3', 'x', '0x10', '99999999999999999999', '-1', true])('%p is no number', (value) => {
    expect(refusalOf(() => inJson({ seconds: value }).integer('seconds'))).toBe(60004);
  });

  test.each([[['a']], [{ a: 1 }]])('%j is no text', (value) => {
    expect(refusalOf(() => inJson({ message: value }).text('message'))).toBe(60004);
  });
  test.each(['a', ['a'], 1])('%j is no hash', (value) => {
    expect(refusalOf(() => inJson({ data: value }).hash('data'))).toBe(60004);
  });
});

describe('hashes and lists', () => {
  const logos = [
    { res: 'default', url: 'https://a.example/1' },
    { res: 'low', url: 'https://a.example/2' },
  ];
  test.each([
    [
      'unindexed',
      'logos[][res]=default&logos[][url]=https://a.example/1&logos[][res]=low&logos[][url]=https://a.example/2',
    ],
    [
      'indexed',
      'logos[0][res]=default&logos[0][url]=https://a.example/1&logos[1][res]=low&logos[1][url]=https://a.example/2',
    ],
    [
      'indexed backwards',
      'logos[1][res]=low&logos[1][url]=https://a.example/2&logos[0][res]=default&logos[0][url]=https://a.example/1',
    ],
    [
      'members in another order',
      'logos[][url]=https://a.example/1&logos[][res]=default&logos[][url]=https://a.example/2&logos[][res]=low',
    ],
  ])('%s logos are one list', (_how, body) => {
    expect(inForm(body).list('logos')).toEqual(logos.map((logo) => expect.objectContaining(logo)));
  });
  test('JSON logos are the same', () => {
    expect(inJson({ logos }).list('logos')).toEqual(logos);
  });
  test('thirty elements keep their order', () => {
    const body = Array.from({ length: 30 }, (_, n) => `a[${n}]=${n}`).join('&');
    expect(inForm(body).list('a')).toEqual(Array.from({ length: 30 }, (_, n) => String(n)));
  });
  test.each(['events[]=a&events[]=b', 'events[0]=a&events[1]=b'])('%s', (body) => {
    expect(inForm(body).list('events')).toEqual(['a', 'b']);
  });
  test('one value is a list of one', () => {
    expect(inForm('events=a').list('events')).toEqual(['a']);
  });
  test('names with blanks, and those of every object, are names', () => {
    const details = inForm('details[Account%20Number]=1&details[toString]=2&details[constructor]=3&details[0]=4');
    expect(Object.entries(details.hash('details')!)).toEqual([
      ['0', '4'],
      ['Account Number', '1'],
      ['toString', '2'],
      ['constructor', '3'],
    ]);
    expect(details.text('toString')).toBeUndefined();
  });
});

describe('what does harm', () => {
  test.each<[string, () => unknown, number | string]>([
    ['the prototype in a form', () => inForm('__proto__[a]=1'), 60004],
    ['the prototype inside', () => inForm('a[__proto__][b]=1'), 60004],
    [
      'the prototype in JSON',
      () => read({ body: '{"__proto__":{"a":1}}', type: 'application/json' }),
      'invalid_request',
    ],
    ['a deep form', () => inForm(`a${'[b]'.repeat(1_000)}=1`), 60004],
    ['a deep list', () => inForm(`a${'[]'.repeat(1_000)}=1`), 60004],
    ['deep JSON', () => read({ body: `${'{"a":'.repeat(12)}1${'}'.repeat(12)}`, type: 'application/json' }), 60004],
    ['very deep JSON', () => read({ body: '['.repeat(10_000), type: 'application/json' }), 'invalid_json'],
    ['many parameters', () => inForm('a=1&'.repeat(2_001)), 60004],
    ['a name in two ways', () => inForm('a=1&a[b]=2'), 60004],
    ['a name in two other ways', () => inForm('a[]=1&a[b]=2'), 60004],
    ['a broken escape', () => inForm('a=%zz'), 60005],
    ['invalid UTF-8, escaped', () => inForm('a=%ff'), 60005],
    ['invalid UTF-8 in a form', () => read({ body: Buffer.from([0x61, 0x3d, 0xff]) }), 60005],
    ['invalid UTF-8 in a query', () => read({ query: 'a=\xff' }), 60005],
    ['invalid UTF-8 in JSON', () => read({ body: Buffer.from([0x22, 0xff, 0x22]), type: 'application/json' }), 60005],
    ['half a surrogate pair', () => read({ body: '{"a":"\\ud800"}', type: 'application/json' }), 60005],
    ['a NUL', () => inForm('a=%00'), 60004],
    ['a NUL in a name', () => inForm('a%00=1'), 60004],
    ['a JSON list', () => inJson([1]), 60002],
    ['a JSON text', () => inJson('x'), 60002],
    ['no JSON', () => read({ body: '{"a"', type: 'application/json' }), 'invalid_json'],
    ['a key twice', () => read({ body: '{"a":1,"a":2}', type: 'application/json' }), 'duplicate_key'],
    ['XML', () => read({ body: '<a/>', type: 'application/xml' }), 60002],
  ])('%s is refused', (_what, act, refusal) => {
    expect(refusalOf(act)).toBe(refusal);
  });

  test('what is refused is named', () => {
    expect(() => inForm('user[email]=%00')).toThrow('Invalid parameter: user[email] - holds a NUL character');
  });

  test('nothing reaches the prototype of anything', () => {
    refusalOf(() => inForm('constructor[prototype][polluted]=1&a[constructor][prototype][polluted]=1'));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
