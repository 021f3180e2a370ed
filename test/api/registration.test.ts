import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createWebCryptoKey } from '../../sdk/device';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { newToken, register, registration, sha256, unsigned } from '../support/signing';
import { until } from '../support/until';

let program: TestProgram;
let user: TestUser;
let token: string;
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => {
  user = await addUser(program, { devices: 0 });
  token = await newToken(program, user.id);
});
afterAll(() => program?.close());

const devicesOf = async (userId: string) => (await program.call('GET', `/v1/users/${userId}/devices`)).body.devices;

const waitingForLocks = async () => {
  const { rowCount } = await program.pool.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rowCount ?? 0;
};

describe('a registration token', () => {
  test('registers one device, and its tenant sees it', async () => {
    const key = await createWebCryptoKey();
    const reply = await register(program, await registration(token, { key }));
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({ userId: user.id, tenantId: program.tenant.id });
    const { name, platform, publicJwk } = await registration(token, { key });
    expect(await devicesOf(user.id)).toMatchObject([{ id: reply.body.deviceId, name, platform, publicJwk }]);
  });

  test('with the same key again answers the same device, because a reply may get lost', async () => {
    const key = await createWebCryptoKey();
    const first = await register(program, await registration(token, { key }));
    const before = await countRows(program);
    const again = await register(program, await registration(token, { key }));
    expect([again.status, again.body]).toEqual([201, first.body]);
    await program.pool.query(`update registration_tokens set expires_at = clock_timestamp()`);
    expect((await register(program, await registration(token, { key }))).body).toEqual(first.body);
    expect(await countRows(program)).toEqual(before);
  });

  test('is spent for any other key', async () => {
    await register(program, await registration(token));
    expectProblem(await register(program, await registration(token)), 'registration_token_invalid');
    expect(await devicesOf(user.id)).toHaveLength(1);
  });

  test('is good until it expires, by the clock of the database', async () => {
    const expireAt = (when: string) =>
      program.pool.query(
        `update registration_tokens set expires_at = clock_timestamp() + $2::interval where user_id = $1`,
        [user.id, when],
      );
    await expireAt('0 seconds');
    expectProblem(await register(program, await registration(token)), 'registration_token_invalid');
    await expireAt('5 seconds');
    expect((await register(program, await registration(token))).status).toBe(201);
  });

  test('lives for ten minutes', async () => {
    const { body } = await program.call('POST', `/v1/users/${user.id}/registration-tokens`);
    const lifetimeMs = Date.parse(body.expiresAt as string) - Date.now();
    expect(lifetimeMs).toBeGreaterThan(9.9 * 60_000);
    expect(lifetimeMs).toBeLessThan(10.1 * 60_000);
  });

  test('of a removed user is none', async () => {
    await program.call('DELETE', `/v1/users/${user.id}`);
    const before = await countRows(program);
    expectProblem(await register(program, await registration(token)), 'registration_token_invalid');
    expect(await countRows(program)).toEqual(before);
  });

  test('does not bring back a device that was removed', async () => {
    const key = await createWebCryptoKey();
    const { body } = await register(program, await registration(token, { key }));
    await program.call('DELETE', `/v1/users/${user.id}/devices/${body.deviceId}`);
    expectProblem(await register(program, await registration(token, { key })), 'registration_token_invalid');
  });

  test.each([
    ['nothing', () => ''],
    ['something else', () => 'let me in'],
    ['the id alone', (good: string) => good.slice(0, 39)],
    ['another secret', (good: string) => good.slice(0, -43) + 'A'.repeat(43)],
    ['another id', (good: string) => good.replace(/^rt_.{8}/, 'rt_00000000')],
    ['more after it', (good: string) => `${good}A`],
    ['other letters', (good: string) => good.toUpperCase()],
    ['a NUL', (good: string) => `${good}\u0000`],
  ])('that is %s is refused', async (_what, bad) => {
    const before = await countRows(program);
    expectProblem(await register(program, await registration(bad(token))), 'registration_token_invalid');
    expect(await countRows(program)).toEqual(before);
  });
});

describe('a key', () => {
  test('belongs to one device: with a second token it is in use, and that token stays good', async () => {
    const key = await createWebCryptoKey();
    await register(program, await registration(token, { key }));
    const other = await addUser(program, { devices: 0 });
    const second = await newToken(program, other.id);
    expectProblem(await register(program, await registration(second, { key })), 'public_key_in_use');
    expect((await register(program, await registration(second))).status).toBe(201);
  });

  test('of a removed device is in use for ever', async () => {
    const key = await createWebCryptoKey();
    const { body } = await register(program, await registration(token, { key }));
    await program.call('DELETE', `/v1/users/${user.id}/devices/${body.deviceId}`);
    const second = await newToken(program, user.id);
    expectProblem(await register(program, await registration(second, { key })), 'public_key_in_use');
  });

  test.each([
    ['is not on the curve', { x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['has another y', { y: 'B'.repeat(43) }],
    ['is beyond the field', { x: '_'.repeat(43) }],
  ])('that %s is refused', async (_what, wrong) => {
    const key = await createWebCryptoKey();
    const publicJwk = { ...key.publicJwk, ...wrong };
    const before = await countRows(program);
    const reply = await register(program, await registration(token, { key, body: { publicJwk } }));
    expectProblem(reply, 'public_key_invalid', { field: 'publicJwk' });
    expect(await countRows(program)).toEqual(before);
  });
});

describe('a proof', () => {
  test.each([
    ['of another token', { claims: { registrationTokenHash: sha256('another') } }],
    ['of another key', { claims: { publicKeyThumbprint: sha256('another') } }],
    ['of another type', { header: { typ: 'dpop+jwt' } }],
    ['of an answer', { header: { typ: 'countersign-answer+jwt' } }],
    ['without a type', { header: { typ: undefined } }],
    ['that says too much', { claims: { userId: 'me' } }],
    ['that says too little', { claims: { publicKeyThumbprint: undefined } }],
    ['by another algorithm', { header: { alg: 'HS256' } }],
    ['with an extension that we do not know', { header: { crit: ['exp'], exp: 1 } }],
  ])('%s is refused', async (_what, faults) => {
    const before = await countRows(program);
    expectProblem(await register(program, await registration(token, faults)), 'signature_invalid');
    expect(await countRows(program)).toEqual(before);
  });

  test('by another key, by none, or changed is refused', async () => {
    const [good, other] = [await registration(token), await registration(token)];
    const [header, payload, signature] = String(good['proof']).split('.') as [string, string, string];
    const none = unsigned({ typ: 'countersign-registration+jwt' }, { registrationTokenHash: sha256(token) });
    const changed = `${header}.${payload}.${signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`;
    for (const proof of [other['proof'], none, changed, `${header}.${payload}.AA`, `AA.AA.AA`]) {
      expectProblem(await register(program, { ...good, proof }), 'signature_invalid');
    }
    expect(await devicesOf(user.id)).toEqual([]);
    expect((await register(program, good)).status).toBe(201);
  });
});

describe('twenty registrations with one token at once', () => {
  test('by twenty phones give one of them a device', async () => {
    const bodies = await Promise.all(Array.from({ length: 20 }, () => registration(token)));
    const before = await countRows(program);
    // Held back until all of them have read what they read before they write.
    const holder = await program.pool.connect();
    await holder.query('begin');
    await holder.query('select from users where id = $1 for update', [user.id]);
    const registrations = bodies.map((body) => register(program, body));
    await until(async () => (await waitingForLocks()) >= 10, { what: 'ten who wait' });
    await holder.query('commit');
    holder.release();
    const replies = await Promise.all(registrations);
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 201)) {
      expectProblem(reply, 'registration_token_invalid');
    }
    const after = await countRows(program);
    expect(after).toEqual({ ...before, devices: before['devices']! + 1, events: before['events']! + 1 });
  });

  test('by one phone give it one device', async () => {
    const key = await createWebCryptoKey();
    const replies = await Promise.all(
      Array.from({ length: 20 }, async () => register(program, await registration(token, { key }))),
    );
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies[0]!.status).toBe(201);
    expect(await devicesOf(user.id)).toHaveLength(1);
  });
});
