import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { inTransaction } from '../../db/transaction';
import { createUserRows } from '../../db/users';
import { CODE_CHANNELS } from '../../domain/code';
import type { ErrorCode } from '../../domain/errors';
import { createKeyring } from '../../platform/keys/keyring';
import { createLogger } from '../../platform/telemetry/logger';
import { startProgram } from '../../program';
import { wrong } from '../services/guesses';
import { expectProblem } from '../support/expectProblem';
import { callerOf, startTestProgram } from '../support/program';
import type { Reply, TestProgram } from '../support/program';
import { addPhoneUser, digitsSentTo, textsTo } from '../support/texts';
import { until } from '../support/until';

let program: TestProgram;
let user: { id: string; phone: string };
beforeAll(async () => void (program = await startTestProgram()), 60_000);
beforeEach(async () => void (user = await addPhoneUser(program)));
afterAll(() => program?.close());

const send = (more: object = {}, headers = {}) =>
  program.call('POST', `/v1/users/${user.id}/codes`, { channel: 'sms', ...more }, headers);
const check = (code: string, headers = {}) =>
  program.call('POST', `/v1/users/${user.id}/codes/check`, { code }, headers);
const eventsOf = async () =>
  ((await program.call('GET', `/v1/events?userId=${user.id}`)).body.events as { type: string; data: object }[])
    .map(({ type, data }) => ({ type, ...data }))
    .filter(({ type }) => type.startsWith('code'));

function expectRefusal(reply: Reply, code: ErrorCode, more: object = {}): void {
  expectProblem(reply, code);
  expect(reply.body).toMatchObject(more);
}

test('a code that arrived is accepted once', async () => {
  const sent = await send();
  expect(sent.status).toBe(201);
  expect(sent.body).toEqual({ id: expect.any(String), channel: 'sms', expiresAt: expect.any(String) });
  const digits = await digitsSentTo(program, user.phone);
  const [message] = await textsTo(program, user.phone);
  const { name } = (await program.pool.query('select name from tenants')).rows[0];
  expect(message).toMatchObject({
    kind: 'sms',
    id: `code:${sent.body.id}:1`,
    text: `${name}: your code is ${digits}. It is valid for 10 minutes. Never share it.`,
  });
  expect(sent.text).not.toContain(digits);
  const accepted = await check(digits);
  expect([accepted.status, accepted.body]).toEqual([200, { status: 'approved' }]);
  expectRefusal(await check(digits), 'code_not_found');
  const facts = { userId: user.id, channel: 'sms', purpose: 'login' };
  expect(await eventsOf()).toEqual([
    { type: 'code_sent', ...facts },
    { type: 'code_accepted', ...facts },
  ]);
});

test('a call reads the digits one by one', async () => {
  await send({ channel: 'voice', length: 4 });
  const [call] = await until(
    async () => (await textsTo(program, user.phone)).length > 0 && textsTo(program, user.phone),
  );
  expect(call!.kind).toBe('voice');
  const digits = /(\d(, \d){3})\./.exec(call!.text)![1]!.replaceAll(', ', '');
  expect((await check(digits)).body).toEqual({ status: 'approved' });
});

test('an e-mail brings the code, to who has an address', async () => {
  const email = `jane-${randomUUID()}@example.com`;
  user = { ...(await program.call('POST', '/v1/users', { externalId: email, email })).body, phone: email };
  const sent = await send({ channel: 'email', length: 8 });
  expect([sent.status, sent.body.channel]).toEqual([201, 'email']);
  const digits = await digitsSentTo(program, email);
  const [message] = await textsTo(program, email);
  expect(message).toMatchObject({ kind: 'email', id: `code:${sent.body.id}:1` });
  expect((await check(digits)).body).toEqual({ status: 'approved' });
  expect(await eventsOf()).toContainEqual({ type: 'code_sent', userId: user.id, channel: 'email', purpose: 'login' });
  expectProblem(await send(), 'no_phone', { field: 'channel' });
});

test('a code lives ten minutes', async () => {
  const before = Date.now();
  const expiresAtMs = Date.parse((await send()).body.expiresAt as string);
  expect(expiresAtMs - before).toBeGreaterThan(598_000);
  expect(expiresAtMs - Date.now()).toBeLessThan(602_000);
});

test.each([4, 5, 6, 7, 8, 9, 10])('a code has as many digits as were asked for: %i', async (length) => {
  await send({ length });
  const digits = await digitsSentTo(program, user.phone);
  expect(digits).toHaveLength(length);
  expect((await check(digits)).status).toBe(200);
});

test('each new code replaces the one before, under the same id', async () => {
  const first = await send();
  const old = await digitsSentTo(program, user.phone);
  const second = await send({ length: 8 });
  expect(second.body.id).toBe(first.body.id);
  const fresh = await digitsSentTo(program, user.phone, 2);
  expectRefusal(await check(old), 'code_wrong');
  expect((await check(fresh)).status).toBe(200);
});

test('the same Idempotency-Key sends one code; another body is refused', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const [first, ...others] = await Promise.all(Array.from({ length: 10 }, () => send({}, key)));
  expect(new Set([first!.text, ...others.map(({ text }) => text)]).size).toBe(1);
  expectRefusal(await send({ length: 8 }, key), 'idempotency_key_reused');
  const { rows } = await program.pool.query('select generation from codes where user_id = $1', [user.id]);
  expect(rows).toEqual([{ generation: 1 }]);
});

test('a check whose reply was lost answers the same again, with its key', async () => {
  await send();
  const digits = await digitsSentTo(program, user.phone);
  const key = { 'idempotency-key': randomUUID() };
  const heard = await Promise.all(Array.from({ length: 5 }, () => check(digits, key)));
  expect(heard.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(await eventsOf()).toHaveLength(2);
});

describe('a wrong code', () => {
  test('is told how many guesses are left; after the fifth there is none, nor for the right one', async () => {
    await send();
    const digits = await digitsSentTo(program, user.phone);
    for (const attemptsLeft of [4, 3, 2, 1, 0]) {
      expectRefusal(await check(wrong(digits)), 'code_wrong', { attemptsLeft });
    }
    const refused = await check(digits);
    expectRefusal(refused, 'too_many_attempts');
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(500);
    expect(retryAfter).toBeLessThanOrEqual(600);
    expect((await eventsOf()).at(-1)).toMatchObject({ type: 'code_blocked', channel: 'sms', purpose: 'login' });
  });

  test('of another length is as wrong', async () => {
    await send();
    const digits = await digitsSentTo(program, user.phone);
    expectRefusal(await check(digits.slice(0, 5)), 'code_wrong', { attemptsLeft: 4 });
    expectRefusal(await check(`${digits}0`), 'code_wrong', { attemptsLeft: 3 });
    expectRefusal(await check(`0${digits}`), 'code_wrong', { attemptsLeft: 2 });
  });

  test('stays counted when the program is started anew between guesses', async () => {
    await send();
    const digits = await digitsSentTo(program, user.phone);
    for (let i = 1; i <= 3; i++) await check(wrong(digits, i));
    const another = await startProgram(program.config, createLogger({ level: 'silent' }));
    try {
      const call = callerOf(another.url, program.tenant.apiKey);
      const guess = (code: string) => call('POST', `/v1/users/${user.id}/codes/check`, { code });
      const heard = await Promise.all(Array.from({ length: 20 }, (_, i) => guess(wrong(digits, i + 1))));
      expect(heard.filter(({ body }) => body.code === 'code_wrong')).toHaveLength(2);
      expect(heard.filter(({ body }) => body.code === 'too_many_attempts')).toHaveLength(18);
      await call('POST', `/v1/users/${user.id}/codes`, { channel: 'sms' });
      expect((await guess(await digitsSentTo(program, user.phone, 2))).status).toBe(200);
    } finally {
      await another.close();
    }
  });
});

describe('is refused', () => {
  test('a check when nothing was sent', async () => {
    expectRefusal(await check('123456'), 'code_not_found');
  });

  test('a code that has expired', async () => {
    await send();
    const digits = await digitsSentTo(program, user.phone);
    await program.pool.query('update codes set expires_at = clock_timestamp() where user_id = $1', [user.id]);
    expectRefusal(await check(digits), 'code_expired');
  });

  test('a user without a phone', async () => {
    const { body } = await program.call('POST', '/v1/users', { externalId: randomUUID() });
    const reply = await program.call('POST', `/v1/users/${body.id}/codes`, { channel: 'voice' });
    expectProblem(reply, 'no_phone', { field: 'channel' });
  });

  test('a user without an e-mail address', async () => {
    expectRefusal(await send({ channel: 'email' }), 'no_email', { field: 'channel' });
  });

  test('a phone whose calls are charged: somebody would earn by them', async () => {
    // No such user can be added; imports bring some, and there may be others from before.
    const users = createUserRows(createKeyring(program.config.masterKeys));
    const [{ id: tenantId }] = (await program.pool.query('select id from tenants')).rows;
    const user = { id: randomUUID(), tenantId, externalId: null, phone: '+41900123456', email: null };
    await inTransaction(program.pool, (tx) => users.insert(tx, user));
    for (const channel of ['sms', 'voice']) {
      const reply = await program.call('POST', `/v1/users/${user.id}/codes`, { channel });
      expectProblem(reply, 'phone_invalid', { field: 'channel' });
    }
  });

  test('nobody at all', async () => {
    const nobody = randomUUID();
    expectRefusal(await program.call('POST', `/v1/users/${nobody}/codes`, { channel: 'sms' }), 'user_not_found');
    expectRefusal(await program.call('POST', `/v1/users/${nobody}/codes/check`, { code: '123456' }), 'user_not_found');
  });

  test('a user who was removed: the code is gone, and its workflow has nothing to do', async () => {
    await send();
    const digits = await digitsSentTo(program, user.phone);
    await program.call('DELETE', `/v1/users/${user.id}`);
    expectRefusal(await check(digits), 'user_not_found');
    for (const table of ['codes', 'code_windows', 'user_methods', 'totp_secrets']) {
      const { rows } = await program.pool.query(`select 1 from ${table} where user_id = $1`, [user.id]);
      expect(rows).toEqual([]);
    }
  });

  test('every channel where there is no provider', async () => {
    const bare = await startTestProgram({ env: { COUNTERSIGN_SIMULATOR: '0' }, temporalAddress: '127.0.0.1:1' });
    try {
      const someone = await addPhoneUser(bare);
      for (const channel of CODE_CHANNELS) {
        const reply = await bare.call('POST', `/v1/users/${someone.id}/codes`, { channel });
        expectProblem(reply, 'channel_not_configured', { field: 'channel' });
      }
    } finally {
      await bare.close();
    }
  });
});

test('no digits and no number are in a log, an event or a row in clear', async () => {
  await send({ length: 10 });
  const digits = await digitsSentTo(program, user.phone);
  await check(wrong(digits));
  await check(digits);
  const { rows: tables } = await program.pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  const rows = await Promise.all(tables.map(({ name }) => program.pool.query(`select t::text from ${name} t`)));
  const dump = JSON.stringify(rows.map(({ rows: all }) => all as unknown[]));
  const logs = program.logs.join('\n');
  expect([dump.includes(user.id), logs.includes('/codes/check')]).toEqual([true, true]);
  const secrets = [digits, wrong(digits), user.phone, user.phone.slice(1)];
  expect(secrets.filter((secret) => dump.includes(secret) || logs.includes(secret))).toEqual([]);
});
