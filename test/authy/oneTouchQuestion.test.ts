import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuthyRequest } from '../support/authy';
import { send } from '../support/http';
import { message, startOneTouch, uuidOf } from '../support/oneTouch';
import type { OneTouchApp } from '../support/oneTouch';

/** In how many ways clients ask the same thing. */
let app: OneTouchApp;
beforeAll(async () => void (app = await startOneTouch()), 60_000);
afterAll(() => app?.close());

const LOGOS = [
  { res: 'default', url: 'https://example.com/l.png' },
  { res: 'low', url: 'https://example.com/s.png' },
];
const FLAT = {
  'details[Account Number]': 'DE 89',
  'logos[0][res]': 'default',
  'logos[0][url]': 'https://example.com/l.png',
  'logos[1][res]': 'low',
  'logos[1][url]': 'https://example.com/s.png',
};
const details = { 'Account Number': 'DE 89' };

/** A form exactly as it is written here. */
const sendForm = (body: string) =>
  send(app.program, {
    method: 'POST',
    path: app.pathOf(),
    headers: { 'x-authy-api-key': app.tenant.authyApiKey, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });

test.each<[string, AuthyRequest | string]>([
  ['JSON', { json: { message: 'json', details, logos: LOGOS } }],
  ['a form', { form: { message: 'form', ...FLAT } }],
  ['everything in the query', { query: { message: 'query', ...FLAT } }],
  ['logos that are zipped', { json: { message: 'zip', details, logos: zipped() } }],
  [
    'a form with %20',
    'message=f1&details[Account%20Number]=DE%2089&logos[0][res]=default&logos[0][url]=https%3A%2F%2Fexample.com%2Fl.png' +
      '&logos[1][res]=low&logos[1][url]=https%3A%2F%2Fexample.com%2Fs.png',
  ],
  [
    'a form with repeated logos and +',
    'message=f2&details%5BAccount+Number%5D=DE+89&logos[][res]=default&logos[][url]=https://example.com/l.png' +
      '&logos[][res]=low&logos[][url]=https://example.com/s.png',
  ],
  [
    'logos of which every size comes before every address',
    'message=f4&details[Account+Number]=DE+89&logos[][res]=default&logos[][res]=low' +
      '&logos[][url]=https://example.com/l.png&logos[][url]=https://example.com/s.png',
  ],
  [
    'logos whose members are both called res',
    'message=f3&details[Account+Number]=DE+89&logos[][res]=default&logos[][res]=https://example.com/l.png' +
      '&logos[][res]=low&logos[][res]=https://example.com/s.png',
  ],
])('%s', async (_what, request) => {
  const reply = await (typeof request === 'string' ? sendForm(request) : app.create(request));
  expect(reply).toMatchObject({ status: 200, body: { success: true } });
  const uuid = uuidOf(reply);
  expect((await app.readNative(uuid)).details).toEqual([{ label: 'Account Number', value: 'DE 89' }]);
  expect(await app.readKept(uuid)).toMatchObject({ details, logos: LOGOS });
});

test('unset options', async () => {
  const json = { message: message(), details: {}, hidden_details: null, logos: [], seconds_to_expire: null };
  const uuid = await app.ask({ json });
  expect(await app.readNative(uuid)).toMatchObject({ details: [], hiddenDetails: null });
  expect(await app.readKept(uuid)).toMatchObject({ details: null, logos: null });
});

test('details as one text, and as a list', async () => {
  const text = await app.ask({ form: { message: message(), details: 'from Vienna' } });
  expect((await app.readNative(text)).details).toEqual([{ label: 'details', value: 'from Vienna' }]);
  const list = await app.ask({ json: { message: message(), details: ['a', { place: 'b' }] } });
  expect((await app.readNative(list)).details).toEqual([
    { label: '1', value: 'a' },
    { label: 'place', value: 'b' },
  ]);
});

test('names that mean something in JavaScript', async () => {
  const uuid = await app.ask({ json: { message: message(), details: { constructor: 'c', toString: 't' } } });
  expect((await app.readNative(uuid)).details).toEqual([
    { label: 'constructor', value: 'c' },
    { label: 'toString', value: 't' },
  ]);
});

describe('refused, with an approval_request that has no uuid for clients that do not look', () => {
  const many = <T>(length: number, of: (index: number) => T) => Array.from({ length }, (_, index) => of(index));
  const logo = (more: object) => ({ res: 'default', url: 'https://example.com', ...more });

  test.each<[string, object]>([
    ['no message', { message: undefined }],
    ['a message of blanks', { message: ' \t ' }],
    ['a message of 201 characters', { message: 'x'.repeat(201) }],
    ['a message that is a hash', { message: { a: 1 } }],
    ['a message that turns the direction of text', { message: 'a\u202eb' }],
    ['a detail of 501 characters', { details: { a: 'x'.repeat(501) } }],
    ['a label of 201 characters', { details: { ['x'.repeat(201)]: 'a' } }],
    ['51 details', { details: Object.fromEntries(many(51, (n) => [`k${n}`, 'v'])) }],
    ['more than 16 KiB that is hidden', { hidden_details: { a: 'x'.repeat(16_400) } }],
    ['seconds that are a word', { seconds_to_expire: 'soon' }],
    ['seconds below 0', { seconds_to_expire: -1 }],
    ['a logo of another size', { logos: [logo({}), logo({ res: 'huge' })] }],
    ['a logo without an address', { logos: [{ res: 'default' }] }],
    ['a logo that is a script', { logos: [logo({ url: 'javascript:alert(1)' })] }],
    ['no default logo', { logos: [logo({ res: 'low' })] }],
    ['eleven logos', { logos: many(11, () => logo({})) }],
    ['logos that are a text', { logos: 'logo' }],
  ])('%s', async (_what, change) => {
    const reply = await app.create({ json: { message: message(), ...change } });
    expect(reply.body).toEqual({
      approval_request: { uuid: null },
      message: expect.stringMatching(/^Invalid parameter: /),
      success: false,
      errors: { message: reply.body.message },
      error_code: '60004',
    });
    expect(reply.status).toBe(400);
  });

  test.each<[string, string | number, AuthyRequest, number, string]>([
    ['an unknown user', 2_000_000_000, {}, 404, '60026'],
    ['a user that is no number', 'me', {}, 404, '60026'],
    ['a wrong key', 1, { key: 'wrong' }, 401, '60001'],
  ])('%s', async (_what, authyId, request, status, number) => {
    expect(await app.create({ json: { message: 'm' }, ...request }, authyId)).toMatchObject({
      status,
      body: { approval_request: { uuid: null }, success: false, error_code: number },
    });
  });

  test('a user without a device', async () => {
    const { authyId } = await app.addPerson({ devices: 0 });
    expect(await app.create({ json: { message: 'm' } }, authyId)).toMatchObject({
      status: 404,
      body: { approval_request: { uuid: null }, error_code: '60051' },
    });
  });
});

function zipped() {
  return [{ res: LOGOS.map(({ res }) => res), url: LOGOS.map(({ url }) => url) }];
}
