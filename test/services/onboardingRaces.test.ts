import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomInt } from 'node:crypto';
import type { OnboardingRequest } from '../../contracts/onboardings';
import type { Approval } from '../../db/approvals';
import type { RegistrationRequest } from '../../services/devices';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { CLOSING } from '../support/onboarding';
import { createBench, signFor } from '../support/services';
import type { Bench } from '../support/services';
import { registration } from '../support/signing';
import { atOnce, said } from './atOnce';
import { count } from './guesses';

/** What many callers at once can do to one onboarding, with nothing between them and the rows. */
let database: TestDatabase;
let bench: Bench;
let tenantId: string;
beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url);
  tenantId = bench.tenant.id;
}, 60_000);
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});

const ROUNDS = 50;
const nothingKept = async () => {};
const twenty = <T>(work: (i: number) => Promise<T>) => Promise.all(Array.from({ length: 20 }, (_, i) => work(i)));

const start = (userId: string, request: Partial<OnboardingRequest> = {}) =>
  bench.services.onboardings
    .start(tenantId, userId, { ownApp: false, ...request }, nothingKept)
    .then(({ onboarding }) => onboarding);
const find = (id: string) => bench.services.onboardings.find(tenantId, id);

/** Somebody without a device, who has a telephone number. */
const addCallee = async () =>
  (await bench.services.users.create(tenantId, { phone: `+4179${randomInt(1_000_000, 9_999_999)}` }, nothingKept)).id;

async function rowsOf(onboardingId: string) {
  const all = async <T>(sql: string) =>
    (await bench.pool.query<{ it: T }>(sql, [onboardingId])).rows.map(({ it }) => it);
  return {
    closing: (await all<string>('select type as it from events where onboarding_id = $1 order by number')).filter(
      (type) => CLOSING.includes(type),
    ),
    enabled: await all<string>(`select data->>'method' as it from events
                                 where onboarding_id = $1 and type = 'method_enabled'`),
    methods: await all<string>(`select method as it from user_methods
                                 where user_id = (select user_id from onboardings where id = $1)`),
    approvals: await all<string>('select status as it from approvals where onboarding_id = $1'),
  };
}

/** How an onboarding with a confirmation ended; fails unless rows and events say one and the same. */
async function endOf(id: string): Promise<string> {
  const { status, reason, approvalId } = await find(id);
  await bench.services.approvals.find(tenantId, approvalId!); // whoever reads it writes its expiry
  const { closing, enabled, approvals } = await rowsOf(id);
  const isEnabled = status === 'enabled';
  expect({ closing, enabled }).toEqual({
    closing: [
      { enabled: 'two_factor_enabled', expired: 'onboarding_expired' }[status as string] ?? 'onboarding_cancelled',
    ],
    enabled: isEnabled ? ['push'] : [],
  });
  expect(approvals).toEqual([isEnabled ? 'approved' : status === 'expired' ? 'expired' : 'cancelled']);
  return reason ?? status;
}

describe('twenty starts for one user at once', () => {
  test('leave one open; the others are replaced', async () => {
    const user = await bench.addUser(1);
    for (let round = 0; round < 3; round++) {
      const started = await twenty((i) => start(user.id, i % 2 === 0 ? { method: 'push' } : {}));
      const ends = await Promise.all(started.map(async ({ id }) => find(id)));
      const open = ends.filter(({ closedAtMs }) => closedAtMs === null);
      expect(open).toHaveLength(1);
      expect(count(ends.map(({ reason, status }) => reason ?? status))).toEqual({
        replaced: 19,
        [open[0]!.status]: 1,
      });
      for (const { id } of ends) {
        const { closing, approvals } = await rowsOf(id);
        expect(closing).toEqual(id === open[0]!.id ? [] : ['onboarding_cancelled']);
        if (id !== open[0]!.id) expect(approvals.filter((status) => status !== 'cancelled')).toEqual([]);
      }
    }
  }, 60_000);
});

describe('twenty phones with tokens of one onboarding at once', () => {
  test('become one device, which is asked once', async () => {
    for (let round = 0; round < 5; round++) {
      const { id, userId } = await start(await addCallee(), { method: 'push', ownApp: true });
      const tokens = await twenty(() => bench.services.onboardings.createToken(tenantId, id, nothingKept));
      const requests = await Promise.all(
        tokens.map(
          async ({ registrationToken }) => (await registration(registrationToken)) as never as RegistrationRequest,
        ),
      );
      const heard = await twenty((i) =>
        said(bench.services.devices.register(requests[i]!).then(() => ({ status: 'registered' }))),
      );
      expect(count(heard)).toEqual({ registered: 1, registration_token_invalid: 19 });
      const devices = await bench.services.users.listDevices(tenantId, userId);
      expect(devices).toHaveLength(1);
      expect(await find(id)).toMatchObject({ status: 'waiting_for_confirmation', deviceId: devices[0]!.id });
      expect((await rowsOf(id)).approvals).toEqual(['pending']);
    }
  }, 60_000);
});

describe('a registration and a cancellation at once', () => {
  test('leave nobody who is still asked', async () => {
    const ends = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const { id } = await start(await addCallee(), { method: 'push', ownApp: true });
      const { registrationToken } = await bench.services.onboardings.createToken(tenantId, id, nothingKept);
      const request = (await registration(registrationToken)) as never as RegistrationRequest;
      const [registered, cancelled] = await atOnce(
        bench,
        round,
        () => said(bench.services.devices.register(request).then(() => ({ status: 'registered' }))),
        () => said(bench.services.onboardings.cancel(tenantId, id)),
      );
      const { closing, approvals } = await rowsOf(id);
      expect([cancelled, closing]).toEqual(['cancelled', ['onboarding_cancelled']]);
      ends.add(`${registered}: ${approvals.join()}`);
    }
    expect(ends).toEqual(new Set(['registered: cancelled', 'registration_token_invalid: ']));
  }, 60_000);
});

describe('the right code twenty times at once', () => {
  test.each(['sms', 'voice'] as const)(
    'enables %s once',
    async (method) => {
      for (let round = 0; round < 5; round++) {
        const { id, userId } = await start(await addCallee(), { method });
        const code = await bench.services.rows.codes.find(bench.pool, { tenantId, userId, purpose: 'onboarding' });
        const digits = bench.services.codes.digitsOf(code!);
        const heard = await twenty(() => said(bench.services.onboardings.enterCode(tenantId, id, digits)));
        expect(count(heard)).toEqual({ enabled: 1, onboarding_closed: 19 });
        const { closing, enabled, methods } = await rowsOf(id);
        expect({ closing, enabled, methods }).toEqual({
          closing: ['two_factor_enabled'],
          enabled: [method],
          methods: [method],
        });
      }
    },
    60_000,
  );
});

describe(`an approved confirmation, in ${ROUNDS} rounds each, against`, () => {
  let user: Awaited<ReturnType<Bench['addUser']>>;
  beforeEach(async () => void (user = await bench.addUser(1)));

  /** A confirmation that waits, and the answer that is signed already. */
  async function waiting(): Promise<{ id: string; approval: Approval; approve: () => Promise<string> }> {
    await bench.pool.query('delete from user_methods where user_id = $1', [user.id]);
    const { id, approvalId } = await start(user.id, { method: 'push' });
    const approval = await bench.services.approvals.find(tenantId, approvalId!);
    const jws = await signFor(approval, user.phones[0]!, 'approved');
    return { id, approval, approve: () => said(bench.services.decisions.recordAnswer(approval.id, jws)) };
  }

  /** What was heard, and how it ended; both ways have to happen, or nothing raced. */
  async function race(
    other: (id: string, round: number) => Promise<string>,
    after = async () => {},
  ): Promise<string[]> {
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const { id, approve } = await waiting();
      const heard = await atOnce(bench, round, approve, () => other(id, round));
      const end = await endOf(id);
      const { methods } = await rowsOf(id);
      seen.add(`${heard.join(' / ')}: ${end}${methods.length > 0 ? ', 2FA on' : ''}`);
      await after();
    }
    return [...seen].sort();
  }

  test('a cancellation', async () => {
    expect(await race((id) => said(bench.services.onboardings.cancel(tenantId, id)))).toEqual([
      'approval_cancelled / cancelled: requested',
      'approved / onboarding_closed: enabled, 2FA on',
    ]);
  }, 60_000);

  test('a newer onboarding', async () => {
    expect(await race(() => start(user.id).then(() => 'started'))).toEqual([
      'approval_cancelled / started: replaced',
      'approved / started: enabled, 2FA on',
    ]);
  }, 60_000);

  test('the cancellation of its approval', async () => {
    const cancel = (id: string) =>
      find(id).then(({ approvalId }) => said(bench.services.approvals.cancel(tenantId, approvalId!)));
    expect(await race(cancel)).toEqual([
      'approval_cancelled / cancelled: confirmation_cancelled',
      'approved / approval_already_decided: enabled, 2FA on',
    ]);
  }, 60_000);

  test('the removal of its user', async () => {
    const revive = async () => {
      await bench.pool.query('update users set removed_at = null where id = $1', [user.id]);
      await bench.pool.query('update devices set removed_at = null where user_id = $1', [user.id]);
    };
    const seen = await race(() => bench.services.users.remove(tenantId, user.id).then(() => 'removed'), revive);
    // Who is removed has no second factor either, whatever came first; the answer may find device, user or approval gone.
    expect(seen).toContain('approved / removed: enabled');
    const others = seen.filter((one) => one !== 'approved / removed: enabled');
    expect(others.length).toBeGreaterThan(0);
    for (const one of others) expect(one).toMatch(/^(approval_cancelled|device_removed) \/ removed: user_removed$/);
  }, 60_000);

  test('the deadline', async () => {
    const pass = async (id: string, round: number) => {
      const at = new Date(Date.now() + (round % 8));
      await bench.pool.query(`update approvals set expires_at = $2 where onboarding_id = $1`, [id, at]);
      await bench.pool.query(`update onboardings set expires_at = $2 where id = $1`, [id, at]);
      await Promise.all(Array.from({ length: 4 }, () => bench.services.onboardingSteps.recordTime(tenantId, id)));
      const soon = async (): Promise<string> => {
        const { status } = await find(id);
        return status === 'waiting_for_confirmation' ? soon() : status;
      };
      return soon();
    };
    expect(await race(pass)).toEqual(['approval_expired / expired: expired', 'approved / enabled: enabled, 2FA on']);
  }, 60_000);
});

test('every onboarding that has ended has one closing event, an open one has none', async () => {
  const { rows } = await bench.pool.query<{ closed: boolean; events: number; count: number }>(
    `select o.closed_at is not null as closed,
            (select count(*)::int from events e where e.onboarding_id = o.id and e.type = any($1)) as events,
            count(*)::int
       from onboardings o group by 1, 2 order by 1`,
    [CLOSING],
  );
  expect(rows.map(({ closed, events }) => ({ closed, events }))).toEqual([
    { closed: false, events: 0 },
    { closed: true, events: 1 },
  ]);
  expect(rows[1]!.count).toBeGreaterThan(5 * ROUNDS);
});
