import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createCountersign } from '../../sdk/server';
import type { FakeApi } from './fakeApi';
import { startFakeApi } from './fakeApi';

let api: FakeApi;
beforeEach(async () => void (api = await startFakeApi()));
afterEach(() => api.close());

const users = () => createCountersign({ baseUrl: api.url, apiKey: 'ck_test', pause: async () => {} }).users;
const seen = () => api.seen.map(({ method, url, body }) => [method, url, body]);

test('each call goes where the API has it', async () => {
  const ok = { body: {} };
  api.reply(ok, ok, ok, ok, ok, { status: 204 });
  await users().sendCode('a/b', { channel: 'voice', length: 8 });
  await users().checkCode('a/b', '12345678');
  await users().createTotp('u');
  await users().checkTotp('u', '123456');
  await users().listMethods('u');
  await users().removeMethod('u', 'totp');
  expect(seen()).toEqual([
    ['POST', '/v1/users/a%2Fb/codes', '{"channel":"voice","length":8}'],
    ['POST', '/v1/users/a%2Fb/codes/check', '{"code":"12345678"}'],
    ['POST', '/v1/users/u/totp', ''],
    ['POST', '/v1/users/u/totp/check', '{"code":"123456"}'],
    ['GET', '/v1/users/u/methods', ''],
    ['DELETE', '/v1/users/u/methods/totp', ''],
  ]);
});

test('a check whose reply was lost is repeated under its key: the code is not judged twice', async () => {
  api.reply({ hangUp: true }, { body: { status: 'approved' } });
  expect(await users().checkCode('u', '123456')).toEqual({ status: 'approved' });
  const [first, second] = api.seen.map(({ headers }) => headers['idempotency-key']);
  expect(first).toMatch(/^[\w-]{36}$/);
  expect(second).toBe(first);
});

test('a wrong code says how many guesses are left, and is not repeated', async () => {
  const title = 'The code is wrong.';
  api.reply({ status: 422, body: { type: 'x', title, status: 422, code: 'code_wrong', attemptsLeft: 3 } });
  await expect(users().checkCode('u', '123456')).rejects.toMatchObject({ code: 'code_wrong', attemptsLeft: 3 });
  expect(api.seen).toHaveLength(1);
});
