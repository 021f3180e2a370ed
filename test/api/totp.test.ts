import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { URI } from 'otpauth';
import { readClock } from '../../db/transaction';
import { digitsAt, wrong } from '../services/guesses';
import { expectProblem } from '../support/expectProblem';
import { startApi } from '../support/http';
import type { TestProgram } from '../support/program';

let program: TestProgram;
let userId: string;
let externalId: string;
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => {
  externalId = `anna ${randomUUID()}`;
  userId = (await program.call('POST', '/v1/users', { externalId })).body.id;
});
afterAll(() => program?.close());

const create = (headers = {}) => program.call('POST', `/v1/users/${userId}/totp`, undefined, headers);
const check = (code: string, headers = {}) => program.call('POST', `/v1/users/${userId}/totp/check`, { code }, headers);
const now = () => readClock(program.pool);
const methods = async () => (await program.call('GET', `/v1/users/${userId}/methods`)).body;
const eventTypes = async () =>
  ((await program.call('GET', `/v1/events?userId=${userId}`)).body.events as { type: string }[]).map(
    ({ type }) => type,
  );

test('what is made is what an authenticator app reads', async () => {
  const { status, body } = await create();
  expect(status).toBe(201);
  expect(body.secret).toMatch(/^[A-Z2-7]{32}$/);
  const { name } = (await program.pool.query('select name from tenants where id = $1', [program.tenant.id])).rows[0];
  expect(body.uri).toMatch(/^otpauth:\/\/totp\/[^?]+%20/);
  expect(URI.parse(body.uri as string)).toMatchObject({
    issuer: name,
    label: externalId,
    algorithm: 'SHA1',
    digits: 6,
    period: 30,
    secret: { base32: body.secret },
  });
  expect(body.qrSvg).toMatch(/^<svg [^]*<\/svg>\s*$/);
});

test('the first right code enables the method, and says so', async () => {
  const { secret } = (await create()).body;
  expect(await methods()).toEqual({ methods: [], twoFactorEnabled: false });
  const digits = digitsAt(secret as string, await now());
  expectProblem(await check(wrong(digits)), 'code_wrong');
  expect((await methods()).twoFactorEnabled).toBe(false);
  const accepted = await check(digits);
  expect([accepted.status, accepted.body]).toEqual([200, { status: 'approved' }]);
  expect(await methods()).toEqual({
    methods: [{ method: 'totp', enabledAt: expect.any(String) }],
    twoFactorEnabled: true,
  });
  expect(await eventTypes()).toEqual([
    'user_created',
    'totp_created',
    'code_wrong',
    'totp_confirmed',
    'code_accepted',
    'method_enabled',
  ]);
  // From then on it is asked, and says no more than that.
  expect((await check(digitsAt(secret as string, (await now()) + 30_000))).status).toBe(200);
  expect((await eventTypes()).slice(6)).toEqual(['code_accepted']);
});

test('a check whose reply was lost answers the same again, with its key', async () => {
  const { secret } = (await create()).body;
  const digits = digitsAt(secret as string, await now());
  const key = { 'idempotency-key': randomUUID() };
  const heard = await Promise.all(Array.from({ length: 5 }, () => check(digits, key)));
  expect(heard.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
});

test('the same Idempotency-Key makes one secret', async () => {
  const key = { 'idempotency-key': randomUUID() };
  expect((await create(key)).text).toBe((await create(key)).text);
  expect((await create()).body.secret).not.toBe((await create()).body.secret);
});

test('ten wrong codes an hour are judged, told how many are left', async () => {
  const { secret } = (await create()).body;
  const digits = digitsAt(secret as string, await now());
  for (let left = 9; left >= 0; left--) {
    const reply = await check(wrong(digits));
    expectProblem(reply, 'code_wrong');
    expect(reply.body.attemptsLeft).toBe(left);
  }
  const refused = await check(digits);
  expectProblem(refused, 'too_many_attempts');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500);
  expect((await eventTypes()).at(-1)).toBe('code_blocked');
});

test('a confirmed secret is not replaced until it is removed, and its digits are worth nothing then', async () => {
  const { secret } = (await create()).body;
  await check(digitsAt(secret as string, await now()));
  expectProblem(await create(), 'method_enabled');
  expect((await program.call('DELETE', `/v1/users/${userId}/methods/totp`)).status).toBe(204);
  expectProblem(await check(digitsAt(secret as string, (await now()) + 30_000)), 'totp_not_found');
  expect((await create()).status).toBe(201);
});

test('nobody has no secret', async () => {
  expectProblem(await check('123456'), 'totp_not_found');
  expectProblem(await program.call('POST', `/v1/users/${randomUUID()}/totp`), 'user_not_found');
  expectProblem(
    await program.call('POST', `/v1/users/${randomUUID()}/totp/check`, { code: '123456' }),
    'user_not_found',
  );
});
