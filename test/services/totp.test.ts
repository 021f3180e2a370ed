import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { inTransaction, readClock } from '../../db/transaction';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench } from '../support/services';
import type { Bench } from '../support/services';
import { until } from '../support/until';
import { addPerson, digitsAt, issue, judged, sixty, wrong } from './guesses';

// RFC 6238, appendix B: 8 digits, and for each algorithm a secret as long as its hash.
describe('the vectors of RFC 6238', () => {
  const SECRETS = { SHA1: 20, SHA256: 32, SHA512: 64 } as const;
  const VECTORS: [seconds: number, ...Record<keyof typeof SECRETS, string>[]][] = [
    [59, { SHA1: '94287082', SHA256: '46119246', SHA512: '90693936' }],
    [1_111_111_109, { SHA1: '07081804', SHA256: '68084774', SHA512: '25091201' }],
    [1_111_111_111, { SHA1: '14050471', SHA256: '67062674', SHA512: '99943326' }],
    [1_234_567_890, { SHA1: '89005924', SHA256: '91819424', SHA512: '93441116' }],
    [2_000_000_000, { SHA1: '69279037', SHA256: '90698825', SHA512: '38618901' }],
    [20_000_000_000, { SHA1: '65353130', SHA256: '77737706', SHA512: '47863826' }],
  ];
  const cases = VECTORS.flatMap(([seconds, expected]) =>
    (Object.keys(SECRETS) as (keyof typeof SECRETS)[]).map((algorithm) => ({
      seconds,
      algorithm,
      digits: expected![algorithm],
    })),
  );

  test.each(cases)('$algorithm at $seconds s', ({ seconds, algorithm, digits }) => {
    const secret = Secret.fromLatin1('1234567890'.repeat(7).slice(0, SECRETS[algorithm]));
    const at = (size: number) => new TOTP({ secret, algorithm, digits: size, period: 30 });
    expect(at(8).generate({ timestamp: seconds * 1_000 })).toBe(digits);
    expect(at(6).generate({ timestamp: seconds * 1_000 })).toBe(digits.slice(2)); // what we use
  });
});

/** What many callers at once can do to one secret, with nothing between them and the rows. */
let database: TestDatabase;
let bench: Bench;
let userId: string;
beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url);
}, 60_000);
beforeEach(async () => void (userId = await addPerson(bench)));
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});

const totp = () => bench.services.totp;
const begin = () => totp().create(bench.tenant.id, userId, async () => {});
const judge = (code: string) =>
  judged(bench, (tx) => totp().judge(tx, { tenantId: bench.tenant.id, userId, purpose: 'login', code }));
const check = (code: string) => totp().check(bench.tenant.id, userId, code, async () => {});

/** A moment of the database's clock after which its step goes on for five seconds at least. */
const quietMoment = () =>
  until(async () => {
    const nowMs = await readClock(bench.pool);
    return nowMs % 30_000 < 25_000 && nowMs;
  });

test.each([
  [-2, 'code_wrong'],
  [-1, 'accepted'],
  [0, 'accepted'],
  [1, 'accepted'],
  [2, 'code_wrong'],
])('a phone whose clock is %i steps off: %s', async (steps, verdict) => {
  const { secret } = await begin();
  const nowMs = await quietMoment();
  expect(await judge(digitsAt(secret, nowMs + steps * 30_000))).toBe(verdict);
});

test('of sixty right guesses at once exactly one is accepted', async () => {
  const { secret } = await begin();
  const digits = digitsAt(secret, await readClock(bench.pool));
  // The others are wrong by then, and wrong ones are judged ten times an hour.
  expect(await sixty(() => judge(digits))).toEqual({ accepted: 1, code_wrong: 10, too_many_attempts: 49 });
});

test('no step is accepted twice, nor one before it, and a later one is', async () => {
  const { secret } = await begin();
  const nowMs = await quietMoment();
  expect(await judge(digitsAt(secret, nowMs))).toBe('accepted');
  expect(await judge(digitsAt(secret, nowMs))).toBe('code_wrong');
  expect(await judge(digitsAt(secret, nowMs - 30_000))).toBe('code_wrong');
  expect(await judge(digitsAt(secret, nowMs + 30_000))).toBe('accepted');
  expect(await judge(digitsAt(secret, nowMs))).toBe('code_wrong');
});

test('guesses at codes and at TOTP are counted together', async () => {
  const { secret } = await begin();
  const code = bench.services.codes.digitsOf(await issue(bench, userId));
  const guess = { tenantId: bench.tenant.id, userId, purpose: 'login', code: wrong(code) } as const;
  for (let i = 0; i < 4; i++) await judged(bench, (tx) => bench.services.codes.judge(tx, guess));
  const right = digitsAt(secret, await readClock(bench.pool));
  expect(await sixty(() => judge(wrong(right)))).toEqual({ code_wrong: 6, too_many_attempts: 54 });
  expect(await judge(right)).toBe('too_many_attempts');
});

test('a secret that was never confirmed is replaced; a confirmed one has to be removed first', async () => {
  const old = await begin();
  const fresh = await begin();
  const nowMs = await quietMoment();
  expect(await judge(digitsAt(old.secret, nowMs))).toBe('code_wrong');
  await check(digitsAt(fresh.secret, nowMs));
  await expect(begin()).rejects.toMatchObject({ code: 'method_enabled' });
  await bench.services.methods.remove(bench.tenant.id, userId, 'totp');
  expect(await judge(digitsAt(fresh.secret, nowMs + 30_000))).toBe('totp_not_found');
  await begin();
});

test('of twenty first codes at once one enables the method', async () => {
  const { secret } = await begin();
  const digits = digitsAt(secret, await readClock(bench.pool));
  await Promise.allSettled(Array.from({ length: 20 }, () => check(digits)));
  const { rows } = await bench.pool.query<{ type: string }>(
    `select type from events where user_id = $1 and type ~ '^(totp|method|code)' order by number`,
    [userId],
  );
  const types = rows.map(({ type }) => type);
  expect(types.slice(0, 4)).toEqual(['totp_created', 'totp_confirmed', 'code_accepted', 'method_enabled']);
  // Ten of the others are judged; the tenth is the last.
  expect(types.slice(4)).toEqual([...Array.from({ length: 10 }, () => 'code_wrong'), 'code_blocked']);
});

test('the secret is in no row in clear', async () => {
  const { secret } = await begin();
  const { rows } = await bench.pool.query<{ secret: Buffer }>('select secret from totp_secrets where user_id = $1', [
    userId,
  ]);
  const bytes = Buffer.from(Secret.fromBase32(secret).buffer);
  expect(bytes).toHaveLength(20);
  expect(rows[0]!.secret.includes(bytes)).toBe(false);
  expect(rows[0]!.secret.toString('latin1')).not.toContain(secret);
});

test('begin and judge belong to the transaction of their caller', async () => {
  const failing = inTransaction(bench.pool, async (tx) => {
    await totp().begin(tx, await bench.services.users.find(bench.tenant.id, userId));
    throw new Error('what the caller does then');
  });
  await expect(failing).rejects.toThrow();
  expect(await judge('123456')).toBe('totp_not_found');
});
