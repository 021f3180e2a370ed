import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomInt, randomUUID } from 'node:crypto';
import { createPhoneVerificationRows } from '../../db/phoneVerifications';
import type { PhoneVerification } from '../../db/phoneVerifications';
import { DomainError } from '../../domain/errors';
import { createKeyring } from '../../platform/keys/keyring';
import { createPhoneVerifications } from '../../services/phoneVerifications';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench } from '../support/services';
import type { Bench } from '../support/services';
import { count, sixty, wrong } from './guesses';

/** What many callers at once can do to the verification of one phone, with nothing between them and the rows. */
let database: TestDatabase;
let bench: Bench;
let phone: string;
beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url);
  // How many messages a phone gets is not what is tested here.
  await bench.services.rows.tenants.setSendLimits(bench.pool, bench.tenant.id, { perHour: 1_000, pauseSeconds: 0 });
}, 60_000);
beforeEach(() => void (phone = `+4179${randomInt(1_000_000, 9_999_999)}`));
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});

const service = () => bench.services.phoneVerifications;
const WANTED = { channel: 'sms', locale: 'en', length: 6 } as const;
const start = (more: { customCode?: string } = {}): Promise<PhoneVerification> =>
  service().start(bench.tenant.id, { phone, ...WANTED, ...more });
const codeOf = (error: unknown): string => {
  if (error instanceof DomainError) return error.code;
  throw error;
};
const check = (code: string, tenantId = bench.tenant.id): Promise<string> =>
  service()
    .check(tenantId, phone, code)
    .then(() => 'verified', codeOf);
/** As if this one had come to its end. */
const expire = ({ id }: PhoneVerification) =>
  bench.pool.query('update phone_verifications set expires_at = clock_timestamp() where id = $1', [id]);
const eventsOf = async ({ id }: PhoneVerification) =>
  (
    await bench.pool.query<{ type: string }>(
      `select type from events where data->>'verificationId' = $1 order by number`,
      [id],
    )
  ).rows.map(({ type }) => type.replace('phone_verification_', ''));

test('of sixty starts at once one begins a verification, and all send its code', async () => {
  const started = await Promise.all(Array.from({ length: 60 }, () => start()));
  expect(new Set(started.map(({ id }) => id)).size).toBe(1);
  expect(started.map(({ round }) => round).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  expect(new Set(started.map((each) => service().codeOf(each))).size).toBe(1);
  expect(count(await eventsOf(started[0]!))).toEqual({ started: 1, resent: 59 });
});

test('where the tenant has limits, exactly one of sixty is sent, and the others are told when to come back', async () => {
  const limited = (await bench.services.tenants.create(randomUUID()))!.tenant.id;
  const heard = await Promise.allSettled(
    Array.from({ length: 60 }, () => service().start(limited, { phone, ...WANTED })),
  );
  const refused = heard.flatMap((each) => (each.status === 'rejected' ? [each.reason as DomainError] : []));
  expect(refused).toHaveLength(59);
  for (const { code, detail } of refused) {
    expect(code).toBe('too_many_requests');
    expect(detail.retryAfterSeconds).toBeGreaterThan(25);
    expect(detail.retryAfterSeconds).toBeLessThanOrEqual(30);
  }
  const verification = await service().read(limited, { phone });
  expect(verification.round).toBe(1);
  expect(count(await eventsOf(verification))).toEqual({ started: 1, refused: 59 });
});

test('of sixty wrong codes at once exactly five are judged, and then the right one helps no more', async () => {
  const verification = await start();
  const digits = service().codeOf(verification);
  expect(await sixty((i) => check(wrong(digits, i + 1)))).toEqual({ code_wrong: 5, too_many_attempts: 55 });
  expect(await check(digits)).toBe('too_many_attempts');
  expect(count(await eventsOf(verification))).toEqual({ started: 1, code_wrong: 5, blocked: 1 });
});

test('of sixty right codes at once exactly one verifies', async () => {
  const verification = await start();
  const digits = service().codeOf(verification);
  expect(await sixty(() => check(digits))).toEqual({ verified: 1, verification_not_found: 59 });
  expect(await eventsOf(verification)).toEqual(['started', 'accepted']);
});

test('ten wrong codes are judged in an hour, however many verifications of the phone begin, and then none begins', async () => {
  const heard: string[] = [];
  for (let n = 0; n < 3; n++) {
    const verification = await start();
    const digits = service().codeOf(verification);
    for (let guess = 1; guess <= 4; guess++) heard.push(await check(wrong(digits, guess)));
    await expire(verification);
  }
  expect(heard.slice(0, 10)).toEqual(Array<string>(10).fill('code_wrong'));
  expect(heard.slice(10)).toEqual(['too_many_attempts', 'too_many_attempts']);
  // No code is sent that could not be guessed at.
  const refusal: unknown = await start().catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'too_many_attempts' });
  expect((refusal as DomainError).detail.retryAfterSeconds).toBeGreaterThan(3_000);
  await bench.pool.query(`update phone_verifications set created_at = created_at - interval '1 hour'`);
  expect(await check(service().codeOf(await start()))).toBe('verified');
});

test('a code typed while a message is sent again is judged all the same', async () => {
  const digits = service().codeOf(await start());
  const heard = await Promise.all([check(digits), start(), check(digits)]);
  expect(heard.filter((each) => each === 'verified')).toHaveLength(1);
});

test('one whose time is over is expired by whoever meets it, once', async () => {
  const verification = await start();
  await expire(verification);
  const { id, tenantId } = verification;
  const met = await Promise.all([
    check(service().codeOf(verification)),
    service().read(tenantId, { id }),
    service().recordTime({ id, tenantId }),
    start(),
    service().read(tenantId, { id }),
  ]);
  expect(['verification_not_found', 'code_wrong']).toContain(met[0]); // the new one may be there by then
  expect(met[1]).toMatchObject({ status: 'expired' });
  expect(met[3].id).not.toBe(id);
  expect(await eventsOf(verification)).toEqual(['started', 'expired']);
});

test('only what is pending can be cancelled', async () => {
  const verification = await start();
  await check(service().codeOf(verification));
  expect(await service().recordCancellation(verification)).toMatchObject({ status: 'verified' });
  const open = await start();
  expect(await service().recordCancellation(open)).toMatchObject({ status: 'expired' });
  expect(await service().recordCancellation(open)).toMatchObject({ status: 'expired' });
  expect(await eventsOf(open)).toEqual(['started', 'expired']);
});

test("nobody guesses at another tenant's verification", async () => {
  const digits = service().codeOf(await start());
  const other = (await bench.services.tenants.create(randomUUID()))!.tenant.id;
  expect(await check(digits, other)).toBe('verification_not_found');
  expect(await check(digits)).toBe('verified');
});

test('neither the number nor a code that the tenant chose can be read from the rows', async () => {
  await start({ customCode: 'hush4567' });
  const { rows } = await bench.pool.query<{ row: string }>(
    `select phone_verifications::text as row from phone_verifications
      union all select events::text from events where type like 'phone_verification%'`,
  );
  const all = rows.map(({ row }) => row).join('\n');
  const bytes = Buffer.from(phone).toString('hex');
  expect(rows.length).toBeGreaterThan(1);
  for (const clear of [phone, phone.slice(1), bytes, 'hush4567', Buffer.from('hush4567').toString('hex')]) {
    expect(all).not.toContain(clear);
  }
});

describe('while the ring is turned', () => {
  const [older, newer] = [1, 2].map((n) => ({ id: `k${n}`, key: Buffer.alloc(32, n) })) as [Key, Key];
  interface Key {
    id: string;
    key: Buffer;
  }
  const under = (...keys: Key[]) => {
    const keyring = createKeyring(keys);
    return createPhoneVerifications({
      pool: bench.pool,
      phoneVerifications: createPhoneVerificationRows(keyring),
      keyring,
      channels: new Set(['sms']),
      sendLimits: { count: () => Promise.resolve() },
      workflows: { start: () => {}, tell: () => {} },
    });
  };
  const begin = (by: ReturnType<typeof under>) => by.start(bench.tenant.id, { phone, ...WANTED });

  test('processes that have another key in front find the same verification, and its code stays right', async () => {
    const started = await begin(under(older, newer));
    const digits = under(older, newer).codeOf(started);
    expect((await begin(under(newer, older))).id).toBe(started.id);
    await under(newer, older).check(bench.tenant.id, phone, digits);
    expect((await under(newer, older).read(bench.tenant.id, { phone })).status).toBe('verified');
  });

  test('sixty starts of both kinds at once begin one', async () => {
    const both = [under(older, newer), under(newer, older)] as const;
    const started = await Promise.all(Array.from({ length: 60 }, (_, i) => begin(both[i % 2 === 0 ? 0 : 1])));
    expect(new Set(started.map(({ id }) => id)).size).toBe(1);
  });
});
