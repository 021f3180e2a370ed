import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createLogger } from '../../platform/telemetry/logger';
import { startProgram } from '../../program';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { Reply, TestProgram } from '../support/program';

let program: TestProgram;
let user: TestUser;
let key: string;
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => {
  user = await addUser(program, { push: false });
  key = randomUUID();
});
afterAll(() => program?.close());

const post = (path: string, body: unknown, idempotencyKey = key, to = program): Promise<Reply> =>
  to.call('POST', path, body, { 'idempotency-key': idempotencyKey });
const ask = (more: object = {}, idempotencyKey = key) =>
  post('/v1/approvals', { userId: user.id, title: 'x', mode: 'transaction', ...more }, idempotencyKey);
const said = ({ status, text }: Reply) => `${status} ${text}`;

describe('the same key with the same body', () => {
  const creations: [string, () => [path: string, body: unknown], rows: Record<string, number>][] = [
    [
      'an approval',
      () => ['/v1/approvals', { userId: user.id, title: 'x', hiddenDetails: { a: 1 } }],
      { approvals: 1, approvers: 1 },
    ],
    ['a user', () => ['/v1/users', { externalId: randomUUID() }], { users: 1 }],
    ['a registration token', () => [`/v1/users/${user.id}/registration-tokens`, undefined], { registration_tokens: 1 }],
  ];

  test.each(creations)('makes %s once, and every repeat gets the same bytes', async (_what, call, rows) => {
    const [path, body] = call();
    const before = await countRows(program);
    const first = await post(path, body);
    expect(first.status).toBe(201);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    const again = await post(path, body);
    expect(said(again)).toBe(said(first));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await countRows(program)).toEqual(plus(before, { ...rows, idempotency_keys: 1, events: 1 }));
  });

  test.each(creations)('makes %s once, also by fifty at once', async (_what, call, rows) => {
    const [path, body] = call();
    const before = await countRows(program);
    const replies = await Promise.all(Array.from({ length: 50 }, () => post(path, body)));
    expect(new Set(replies.map(said)).size).toBe(1);
    expect(replies[0]!.status).toBe(201);
    expect(await countRows(program)).toEqual(plus(before, { ...rows, idempotency_keys: 1, events: 1 }));
  });

  test('answers what was made then, also when it looks otherwise by now', async () => {
    const first = await ask();
    await program.call('POST', `/v1/approvals/${first.body.id}/cancel`);
    expect(said(await ask())).toBe(said(first));
  });

  test('answers also what could not be made again: the user is gone, the limit reached', async () => {
    const first = await ask({ mode: 'login' });
    for (let i = 0; i < 4; i++) await ask({ mode: 'login' }, randomUUID());
    expectProblem(await ask({ mode: 'login' }, randomUUID()), 'too_many_open_approvals');
    expect(said(await ask({ mode: 'login' }))).toBe(said(first));
    await program.call('DELETE', `/v1/users/${user.id}`);
    expect(said(await ask({ mode: 'login' }))).toBe(said(first));
  });

  test('answers the fifth login approval to all of twenty who ask for it at once', async () => {
    for (let i = 0; i < 4; i++) await ask({ mode: 'login' }, randomUUID());
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask({ mode: 'login' })));
    expect(new Set(replies.map(said)).size).toBe(1);
    expect(replies[0]!.status).toBe(201);
  });

  test('is answered by the program after its restart, and by a second one beside it', async () => {
    const first = await ask();
    const second = await startProgram(program.config, createLogger({ level: 'silent' }));
    try {
      const beside = await fetch(`${second.url}/v1/approvals`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${program.tenant.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify({ userId: user.id, title: 'x', mode: 'transaction' }),
      });
      expect(`${beside.status} ${await beside.text()}`).toBe(said(first));
    } finally {
      await second.close();
    }
  });
});

describe('the same key', () => {
  test.each([
    ['another title', () => ask({ title: 'y' })],
    ['one field more', () => ask({ details: [] })],
    ['other white space', () => post('/v1/approvals', `{ "userId":"${user.id}","title":"x","mode":"transaction"}`)],
    ['another route', () => post('/v1/users', { externalId: 'x' })],
    ['another path', () => post(`/v1/users/${user.id}/registration-tokens`, undefined)],
  ])('with %s is refused, and makes nothing', async (_what, call) => {
    await ask();
    const before = await countRows(program);
    expectProblem(await call(), 'idempotency_key_reused');
    expect(await countRows(program)).toEqual(before);
  });

  test('with fifty different bodies at once makes one thing', async () => {
    const before = await countRows(program);
    const replies = await Promise.all(Array.from({ length: 50 }, (_, i) => ask({ title: `title ${i}` })));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 201)) expectProblem(reply, 'idempotency_key_reused');
    expect((await countRows(program))['approvals']).toBe(before['approvals']! + 1);
  });

  test('of another tenant is another key', async () => {
    const other = await program.addTenant(`other ${key}`);
    const first = await post('/v1/users', { externalId: key });
    const headers = { 'idempotency-key': key, authorization: `Bearer ${other.apiKey}` };
    const theirs = await program.call('POST', '/v1/users', { externalId: `${key} too` }, headers);
    expect(theirs.status).toBe(201);
    expect(theirs.body.id).not.toBe(first.body.id);
  });

  test('is free again after 48 hours, for something else', async () => {
    const age = (hours: number) =>
      program.pool.query(
        `update idempotency_keys set created_at = clock_timestamp() - $2 * interval '1 hour' where key = $1`,
        [key, hours],
      );
    const first = await ask();
    await age(47.9);
    expect(said(await ask())).toBe(said(first));
    expectProblem(await ask({ title: 'y' }), 'idempotency_key_reused');
    await age(48);
    const later = await ask({ title: 'y' });
    expect(later.status).toBe(201);
    expect(later.body.id).not.toBe(first.body.id);
    expect(said(await ask({ title: 'y' }))).toBe(said(later));
    const { rowCount } = await program.pool.query('select from idempotency_keys where key = $1', [key]);
    expect(rowCount).toBe(1);
  });

  test('is not used up by a call that was refused', async () => {
    const withoutDevice = await addUser(program, { devices: 0 });
    const before = await countRows(program);
    expectProblem(await ask({ userId: withoutDevice.id }), 'no_device');
    expectProblem(await ask({ title: '' }), 'invalid_request');
    expectProblem(await ask({ userId: randomUUID() }), 'user_not_found');
    expectProblem(await ask({ callbackUrl: 'ftp://x' }), 'callback_url_refused');
    expect(await countRows(program)).toEqual(before);
    expect((await ask()).status).toBe(201);
  });
});

test.each([
  ['empty', ''],
  ['of 129 characters', 'x'.repeat(129)],
  ['with a space', 'a b'],
  ['with a letter that is not ASCII', 'schlüssel'],
])('a key that is %s is refused', async (_what, bad) => {
  const before = await countRows(program);
  expectProblem(await ask({}, bad), 'invalid_request', { field: 'Idempotency-Key' });
  expect(await countRows(program)).toEqual(before);
});

test('a key of 128 characters of every printable kind is one', async () => {
  const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).join('');
  const long = (randomUUID() + printable).slice(0, 128);
  expect(said(await ask({}, long))).toBe(said(await ask({}, long)));
});

test('without a key every call makes something new', async () => {
  const call = () => program.call('POST', '/v1/approvals', { userId: user.id, title: 'x', mode: 'transaction' });
  expect((await call()).body.id).not.toBe((await call()).body.id);
});

const plus = (before: Record<string, number>, more: Record<string, number>) =>
  Object.fromEntries(Object.entries(before).map(([table, count]) => [table, count + (more[table] ?? 0)]));
