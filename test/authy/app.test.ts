import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { startAuthy } from '../support/authy';
import { putEvents } from '../support/events';

let bench: Awaited<ReturnType<typeof startAuthy>>;
beforeAll(async () => {
  bench = await startAuthy();
});
afterAll(() => bench.close());

test('an application reads what it is', async () => {
  const { status, body } = await bench.authy('GET', '/protected/json/app/details', {
    query: { user_ip: '203.0.113.7' },
  });
  expect(status).toBe(200);
  expect(body).toEqual({
    app: {
      name: expect.any(String),
      plan: 'pay_as_you_go',
      sms_enabled: true,
      phone_calls_enabled: true,
      app_id: expect.any(Number),
      onetouch_enabled: true,
    },
    message: 'Application information.',
    success: true,
  });
});

test('two applications have two ids', async () => {
  const other = await bench.addTenant(randomUUID());
  const idOf = async (key?: string) =>
    (await bench.authy('GET', '/protected/json/app/details', { ...(key && { key }) })).body.app.app_id as number;
  expect(await idOf(other.authyApiKey)).not.toBe(await idOf());
});

const NOTHING = { sms_count: 0, calls_count: 0, users_count: 0, auths_count: 0 };

test('statistics are counted month by month, the same when they are asked for again', async () => {
  const tenant = await bench.addTenant(randomUUID());
  const ask = async () => (await bench.authy('GET', '/protected/json/app/stats', { key: tenant.authyApiKey })).body;
  expect(await ask()).toEqual({
    ...{ message: 'Monthly statistics.', count: 0, total_users: 0, app_id: expect.any(Number) },
    ...{ success: true, stats: [] },
  });

  const sms = { channel: 'sms' };
  const at = (text: string) => new Date(text);
  await putEvents(bench.pool, tenant.id, [
    { type: 'user_created', at: at('2024-12-31T23:59:59.999Z') },
    { type: 'code_sent', at: at('2025-01-01T00:00:00Z'), data: sms },
    { type: 'code_sent', at: at('2025-01-31T23:59:59.999Z'), data: { channel: 'voice' } },
    { type: 'install_link_sent', at: at('2025-01-15T12:00:00Z') },
    { type: 'phone_verification_sent', at: at('2025-01-15T12:00:00Z'), data: sms },
    { type: 'approval_approved', at: at('2025-03-01T00:00:00Z') },
    { type: 'approval_denied', at: at('2025-03-01T00:00:00Z') },
  ]);
  const old = [
    { ...NOTHING, users_count: 1, month: 'December', api_calls_count: 1, year: 2024 },
    { ...NOTHING, sms_count: 3, calls_count: 1, month: 'January', api_calls_count: 4, year: 2025 },
    { ...NOTHING, auths_count: 1, month: 'March', api_calls_count: 2, year: 2025 },
  ];
  expect((await ask()).stats).toEqual(old);

  const now = new Date();
  await putEvents(bench.pool, tenant.id, [{ type: 'code_accepted', at: now, data: sms }]);
  const month = new Intl.DateTimeFormat('en', { month: 'long', timeZone: 'UTC' }).format(now);
  const current = { ...NOTHING, auths_count: 1, month, api_calls_count: 1, year: now.getUTCFullYear() };
  for (const asked of await Promise.all(Array.from({ length: 8 }, ask))) {
    expect(asked).toMatchObject({ count: 4, stats: [...old, current] });
  }
});

test('statistics count users of this application who are there', async () => {
  const ask = async () =>
    (await bench.authy('GET', '/protected/json/app/stats')).body as {
      total_users: number;
      stats: { users_count: number }[];
    };
  const before = await ask();
  const { body: user } = await bench.call('POST', '/v1/users', { externalId: randomUUID() });
  const during = await ask();
  expect(during.total_users).toBe(before.total_users + 1);
  expect(during.stats.at(-1)).toMatchObject({ users_count: (before.stats.at(-1)?.users_count ?? 0) + 1 });
  await bench.authy('POST', `/protected/json/users/${user.authyId}/remove`);
  expect((await ask()).total_users).toBe(before.total_users);
});
