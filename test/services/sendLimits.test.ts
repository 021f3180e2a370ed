import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { createRecentActRows } from '../../db/recentActs';
import { createSentCodeRows } from '../../db/sentCodes';
import { inTransaction } from '../../db/transaction';
import { DomainError } from '../../domain/errors';
import type { Method } from '../../domain/method';
import type { SendLimitChange } from '../../domain/sendLimits';
import type { MasterKey } from '../../platform/config';
import { createKeyring } from '../../platform/keys/keyring';
import { keepNothing } from '../../services/idempotency';
import { createSendLimits } from '../../services/sendLimits';
import type { Reach } from '../../services/sendLimits';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench } from '../support/services';
import type { Bench } from '../support/services';
import { count } from './guesses';

/** How many codes may be sent, with nothing between the callers and the rows. */
let database: TestDatabase;
let bench: Bench;
let phone: string;
const newPhone = () => `+4179${randomInt(1_000_000, 9_999_999)}`;
beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url);
}, 60_000);
beforeEach(async () => {
  phone = newPhone();
  await bench.pool.query(`update tenants set send_limits = '{}'`);
  await bench.pool.query('delete from sent_codes');
});
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});

const limit = (limits: SendLimitChange) =>
  bench.services.rows.tenants.setSendLimits(bench.pool, bench.tenant.id, limits);
/** 'sent', or after how many seconds the next one may be. */
const sendTo = (to: Reach, hasPause = false, limits = bench.services.sendLimits): Promise<'sent' | number> =>
  inTransaction(bench.pool, (tx) => limits.count(tx, bench.tenant.id, to, { hasPause })).then(
    () => 'sent' as const,
    (error: unknown) => {
      if (!(error instanceof DomainError && error.code === 'too_many_requests')) throw error;
      return error.detail.retryAfterSeconds!;
    },
  );
const send = (to = phone, hasPause = false) => sendTo({ phone: to }, hasPause);
const sixty = <T>(act: () => Promise<T>) => Promise.all(Array.from({ length: 60 }, act));
const sentOf = (all: readonly (string | number)[]) => count(all.map(String))['sent'];
/** As if everything had been sent so much earlier. */
const later = (span: string) =>
  bench.pool.query(
    `update recent_acts set last_at = last_at - $1::interval,
                            at = array(select one - $1::interval from unnest(at) one)`,
    [span],
  );

test('five an hour go to a phone, of sixty at once; who is refused learns when to come again', async () => {
  const all = await sixty(() => send());
  expect(sentOf(all)).toBe(5);
  for (const seconds of all.filter((one) => one !== 'sent')) {
    expect(seconds).toBeGreaterThan(3_500);
    expect(seconds).toBeLessThanOrEqual(3_600);
  }
  expect(await send(newPhone())).toBe('sent');
});

test('the hour is any hour: none begins anew while the last five are younger', async () => {
  await send();
  await later('50 minutes');
  for (let n = 0; n < 4; n++) expect(await send()).toBe('sent');
  expect(await send()).toBeGreaterThan(500);
  await later('10 minutes');
  expect(await send()).toBe('sent');
  expect(await send()).toBeGreaterThan(2_900);
});

test('where a person asks, one goes out in thirty seconds, of sixty at once', async () => {
  const all = await sixty(() => send(phone, true));
  expect(sentOf(all)).toBe(1);
  const waits = all.filter((one): one is number => one !== 'sent');
  expect(Math.max(...waits)).toBeLessThanOrEqual(30);
  expect(Math.min(...waits)).toBeGreaterThan(10);
  await later('30 seconds');
  expect(await send(phone, true)).toBe('sent');
});

test('a tenant sends so many a day, and so many to a country, of sixty at once', async () => {
  await limit({ perDayInCountry: 7, perDay: 10 });
  expect(sentOf(await sixty(() => send(newPhone())))).toBe(7);
  expect(await send(newPhone())).toBeLessThanOrEqual(86_400);
  // Another country has its own seven; the day has three left.
  expect(sentOf(await sixty(() => send(`+43664${randomInt(1_000_000, 9_999_999)}`)))).toBe(3);
  const { rows } = await bench.pool.query('select country, sent from sent_codes order by country');
  expect(rows).toEqual([
    { country: '', sent: 10 },
    { country: 'AT', sent: 3 },
    { country: 'CH', sent: 7 },
  ]);
});

test('what a day refuses does not count for the phone, nor for another country; nothing goes where 0 may', async () => {
  for (const none of [{ countries: { CH: 0 } }, { perDay: 0 }, { perHour: 0 }]) {
    await limit(none);
    expect(await send()).toEqual(expect.any(Number));
    await bench.pool.query(`update tenants set send_limits = '{}'`);
  }
  for (let n = 0; n < 5; n++) expect(await send()).toBe('sent');
});

test('yesterday is over, and other tenants count for themselves', async () => {
  await limit({ perDay: 1 });
  expect(await send()).toBe('sent');
  expect(await send()).toEqual(expect.any(Number));
  await bench.pool.query('update sent_codes set day = day - 1');
  expect(await send()).toBe('sent');
});

test('five e-mails an hour go to an address, however it is written; the day counts them, and no country does', async () => {
  await limit({ perDayInCountry: 0, perDay: 6 });
  const to = (email: string) => sendTo({ email }, true);
  const address = `jane-${randomInt(1e9)}@example.com`;
  expect(sentOf(await sixty(() => to(address)))).toBe(1);
  expect(await to(address.toUpperCase())).toBeGreaterThan(10);
  for (let n = 0; n < 4; n++) {
    await later('30 seconds');
    expect(await to(address)).toBe('sent');
  }
  await later('30 seconds');
  expect(await to(address)).toBeGreaterThan(3_000);
  expect(await to(`other-${address}`)).toBe('sent');
  expect(await to(`third-${address}`)).toEqual(expect.any(Number));
  const { rows } = await bench.pool.query('select country, sent from sent_codes');
  expect(rows).toEqual([{ country: '', sent: 6 }]);
});

describe('while the master key is turned', () => {
  const [k1, k2] = ['k1', 'k2'].map((id, n) => ({ id, key: Buffer.alloc(32, n + 1) })) as [MasterKey, MasterKey];
  const under = (...keys: MasterKey[]) =>
    createSendLimits({ ...bench.services.rows, recentActs, sentCodes, keyring: createKeyring(keys) });
  const [recentActs, sentCodes] = [createRecentActRows(), createSentCodeRows()];

  test('what was sent under the key before still counts, and for when the next one may be sent', async () => {
    const [before, after] = [under(k1), under(k2, k1)];
    for (let n = 0; n < 3; n++) expect(await sendTo({ phone }, false, before)).toBe('sent');
    await later('10 minutes');
    expect(await sendTo({ phone }, true, after)).toBe('sent');
    expect(await sendTo({ phone }, true, after)).toBeLessThanOrEqual(30);
    expect(await sendTo({ phone }, false, before)).toBe('sent'); // it knows three
    const seconds = await sendTo({ phone }, false, after);
    expect(seconds).toBeGreaterThan(2_900);
    expect(seconds).toBeLessThanOrEqual(3_000);
  });

  test('five an hour go to a phone, of sixty at once, whichever key each process puts first', async () => {
    const processes = [under(k1, k2), under(k2, k1)];
    let next = 0;
    expect(sentOf(await sixty(() => sendTo({ phone }, false, processes[next++ % 2])))).toBe(5);
  });
});

describe('an onboarding', () => {
  const addUser = async () => (await bench.services.users.create(bench.tenant.id, { phone }, keepNothing)).id;
  const start = async (userId: string, method?: Method) =>
    (await bench.services.onboardings.start(bench.tenant.id, userId, { ownApp: false, method }, keepNothing))
      .onboarding;
  const choose = (id: string, method: Method) => bench.services.onboardings.chooseMethod(bench.tenant.id, id, method);
  const find = (id: string) => bench.services.onboardings.find(bench.tenant.id, id);
  const refusal = {
    code: 'too_many_requests',
    detail: { reason: 'codes to this phone', retryAfterSeconds: expect.any(Number) },
  };

  test.each(['sms', 'voice', 'push'] as const)(
    'sends by %s as often as anybody, and then waits as it is',
    async (by) => {
      await limit({ perHour: 2 });
      const userId = await addUser();
      const { id } = await start(userId, by);
      await bench.services.codes.send(bench.tenant.id, userId, { channel: 'sms', length: 6 }, keepNothing);
      const before = await find(id);
      await expect(choose(id, by)).rejects.toMatchObject(refusal);
      // One that would replace it is refused before it does.
      await expect(start(userId, by)).rejects.toMatchObject(refusal);
      expect(await find(id)).toEqual({ ...before, readAtMs: expect.any(Number) });
      await later('1 hour');
      expect((await choose(id, by)).onboarding.status).toBe(before.status);
    },
  );

  test('needs no message for an authenticator app', async () => {
    await limit({ perDay: 0 });
    expect((await start(await addUser(), 'totp')).status).toBe('waiting_for_code');
  });

  test('says that its reminder could not send the link, which can be sent later', async () => {
    await limit({ perHour: 1 });
    const { id } = await start(await addUser(), 'push');
    await bench.services.rows.onboardings.recordLink(
      bench.pool,
      { tenantId: bench.tenant.id, id, linkRound: 1 },
      'sent',
    );
    await bench.pool.query('update onboardings set remind_at = clock_timestamp() where id = $1', [id]);
    const reminded = await bench.services.onboardingSteps.recordTime(bench.tenant.id, id);
    expect(reminded).toMatchObject({ linkState: 'failed', linkRound: 1, remindAtMs: null });
    const { rows } = await bench.pool.query<{ type: string }>(
      `select type from events where onboarding_id = $1 and type ~ '_(reminded|failed)$' order by number`,
      [id],
    );
    expect(rows.map(({ type }) => type)).toEqual(['onboarding_reminded', 'install_link_failed']);
    await later('1 hour');
    expect((await choose(id, 'push')).onboarding).toMatchObject({ linkState: 'waiting', linkRound: 2 });
  });
});
