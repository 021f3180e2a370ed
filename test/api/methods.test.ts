import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { METHODS } from '../../domain/method';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import type { TestProgram } from '../support/program';

let program: TestProgram;
let userId: string;
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => {
  userId = (await program.call('POST', '/v1/users', { externalId: randomUUID() })).body.id;
});
afterAll(() => program?.close());

const list = async () => (await program.call('GET', `/v1/users/${userId}/methods`)).body;
const remove = (method: string) => program.call('DELETE', `/v1/users/${userId}/methods/${method}`);
let enabled = 0;
/** Each a second after the one before: two of one millisecond would have no order. */
const enable = (method: string) =>
  program.pool.query(
    `insert into user_methods (tenant_id, user_id, method, enabled_at)
     values ($1, $2, $3, date_trunc('milliseconds', clock_timestamp()) + $4 * interval '1 second')`,
    [program.tenant.id, userId, method, ++enabled],
  );

test('methods are listed in the order in which they were enabled, and removed one by one', async () => {
  expect(await list()).toEqual({ methods: [], twoFactorEnabled: false });
  for (const method of ['totp', 'push', 'voice', 'sms']) await enable(method);
  const names = async () => ((await list()).methods as { method: string }[]).map(({ method }) => method);
  expect(await names()).toEqual(['totp', 'push', 'voice', 'sms']);
  expect((await remove('push')).status).toBe(204);
  expect(await names()).toEqual(['totp', 'voice', 'sms']);
  expect((await list()).twoFactorEnabled).toBe(true);
  for (const method of await names()) await remove(method);
  expect(await list()).toEqual({ methods: [], twoFactorEnabled: false });
});

test('a removal is an event; of twenty at once one is', async () => {
  await enable('sms');
  const heard = await Promise.all(Array.from({ length: 20 }, () => remove('sms')));
  expect(heard.filter(({ status }) => status === 204)).toHaveLength(1);
  expect(heard.filter(({ body }) => body?.code === 'method_not_enabled')).toHaveLength(19);
  const { events } = (await program.call('GET', `/v1/events?userId=${userId}&type=method_removed`)).body;
  expect(events).toMatchObject([{ data: { userId, method: 'sms' } }]);
});

test.each([...METHODS])('%s that is not enabled cannot be removed', async (method) => {
  const before = await countRows(program);
  expectProblem(await remove(method), 'method_not_enabled');
  expect(await countRows(program)).toEqual(before);
});

test('nobody has no methods', async () => {
  userId = randomUUID();
  expectProblem(await program.call('GET', `/v1/users/${userId}/methods`), 'user_not_found');
  expectProblem(await remove('totp'), 'user_not_found');
});
