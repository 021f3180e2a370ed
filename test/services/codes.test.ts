import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createCodeRows } from '../../db/codes';
import type { Code } from '../../db/codes';
import { inTransaction } from '../../db/transaction';
import { DomainError } from '../../domain/errors';
import { createKeyring } from '../../platform/keys/keyring';
import { createCodes } from '../../services/codes';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench } from '../support/services';
import type { Bench } from '../support/services';
import { addPerson, count, issue, judged, sixty, wrong } from './guesses';

/** What many callers at once can do to one code, with nothing between them and the rows. */
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

const codes = () => bench.services.codes;
const digitsOf = (code: Code) => codes().digitsOf(code);
const judge = (code: string, purpose: Code['purpose'] = 'login') =>
  judged(bench, (tx) => codes().judge(tx, { tenantId: bench.tenant.id, userId, purpose, code }));
const check = (code: string): Promise<string> =>
  codes()
    .check(bench.tenant.id, userId, code, async () => {})
    .then(
      () => 'accepted',
      (error: unknown) => {
        if (error instanceof DomainError) return error.code;
        throw error;
      },
    );
const windowOf = async () =>
  (await bench.pool.query<{ attempts: number }>('select attempts from code_windows where user_id = $1', [userId]))
    .rows[0]?.attempts;

describe.each([
  ['with the lock of the route', check],
  ['by one statement alone', judge],
])('%s', (_name, guess) => {
  test('of sixty wrong guesses at once exactly five are judged', async () => {
    const digits = digitsOf(await issue(bench, userId));
    expect(await sixty((i) => guess(wrong(digits, i + 1)))).toEqual({ code_wrong: 5, too_many_attempts: 55 });
    expect(await windowOf()).toBe(5);
    // Nor does the right one help afterwards.
    expect(await guess(digits)).toBe('too_many_attempts');
  });

  test('of sixty right guesses at once exactly one is accepted, and it costs nothing', async () => {
    const digits = digitsOf(await issue(bench, userId));
    expect(await sixty(() => guess(digits))).toEqual({ accepted: 1, code_not_found: 59 });
    expect(await windowOf()).toBe(0);
  });

  test('a right guess gives its own attempt back, and not those of the wrong ones before it', async () => {
    const digits = digitsOf(await issue(bench, userId));
    expect([await guess(wrong(digits)), await guess(wrong(digits, 2)), await guess(digits)]).toEqual([
      'code_wrong',
      'code_wrong',
      'accepted',
    ]);
    expect(await windowOf()).toBe(2);
  });
});

test('ten guesses of a user are judged in an hour, over all codes', async () => {
  const purposes = ['login', 'onboarding', 'login'] as const;
  const heard: string[] = [];
  for (const purpose of purposes) {
    const digits = digitsOf(await issue(bench, userId, { purpose }));
    heard.push(...(await Promise.all([1, 2, 3, 4].map((n) => judge(wrong(digits, n), purpose)))));
  }
  expect(count(heard)).toEqual({ code_wrong: 10, too_many_attempts: 2 });
  // What was not judged did not cost a guess at the code: once the hour is over, it can still be typed.
  const attempts = await bench.pool.query('select attempts from codes where user_id = $1 and purpose = $2', [
    userId,
    'login',
  ]);
  expect(attempts.rows).toEqual([{ attempts: 2 }]);
  await bench.pool.query(
    `update code_windows set window_started_at = clock_timestamp() - interval '1 hour' where user_id = $1`,
    [userId],
  );
  const { rows } = await bench.pool.query<{ id: string; generation: number; length: number }>(
    `select id, generation, length from codes where user_id = $1 and purpose = 'login'`,
    [userId],
  );
  expect(await judge(wrong(codes().digitsOf(rows[0]!)))).toBe('code_wrong');
  expect(await judge(codes().digitsOf(rows[0]!))).toBe('accepted');
  expect(await windowOf()).toBe(1);
});

test('a refused hour says when it ends', async () => {
  const digits = digitsOf(await issue(bench, userId));
  await judge(wrong(digits));
  await bench.pool.query(
    `update code_windows set attempts = 10, window_started_at = clock_timestamp() - interval '50 minutes'
      where user_id = $1`,
    [userId],
  );
  const refusal = await codes()
    .check(bench.tenant.id, userId, digits, async () => {})
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'too_many_attempts' });
  const { retryAfterSeconds } = (refusal as DomainError).detail;
  expect(retryAfterSeconds).toBeGreaterThan(500);
  expect(retryAfterSeconds).toBeLessThanOrEqual(600);
});

test('while a code is sent again and again, each guess is judged by the newest only', async () => {
  const first = await issue(bench, userId);
  const sent: Code[] = [];
  const heard = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      if (i % 2 === 0) return void sent.push(await issue(bench, userId));
      return judge(digitsOf(first));
    }),
  );
  expect(new Set(sent.map(({ id }) => id))).toEqual(new Set([first.id]));
  expect(sent.map(({ generation }) => generation).sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const { accepted = 0 } = count(heard.filter((each) => each !== undefined));
  expect(accepted).toBeLessThanOrEqual(1);
  const newest = sent.find(({ generation }) => generation === 11)!;
  expect(digitsOf(newest)).not.toBe(digitsOf(first));
  expect(await judge(digitsOf(first))).toMatch(/code_wrong|too_many_attempts/);
  await bench.pool.query('delete from code_windows where user_id = $1', [userId]);
  await issue(bench, userId);
  const { rows } = await bench.pool.query<Code>('select id, generation, length from codes where user_id = $1', [
    userId,
  ]);
  expect(await judge(digitsOf(rows[0]!))).toBe('accepted');
});

test('a new code has guesses of its own', async () => {
  const digits = digitsOf(await issue(bench, userId));
  await sixty((i) => judge(wrong(digits, i + 1)));
  expect(await judge(digitsOf(await issue(bench, userId)))).toBe('accepted');
});

test('a code that has expired is not judged, and guesses at it cost nothing of the hour', async () => {
  const digits = digitsOf(await issue(bench, userId));
  await bench.pool.query('update codes set expires_at = clock_timestamp() where user_id = $1', [userId]);
  expect(await sixty(() => judge(digits))).toEqual({ code_expired: 60 });
  expect(await windowOf()).toBeUndefined();
});

test('a guess whose transaction fails has neither counted nor accepted anything', async () => {
  const digits = digitsOf(await issue(bench, userId));
  const guess = { tenantId: bench.tenant.id, userId, purpose: 'login', code: digits } as const;
  const failing = inTransaction(bench.pool, async (tx) => {
    expect(await codes().judge(tx, guess)).toMatchObject({ kind: 'accepted' });
    throw new Error('what the caller does then');
  });
  await expect(failing).rejects.toThrow('what the caller does then');
  expect(await judge(digits)).toBe('accepted');
});

test('nobody guesses at a user of another tenant', async () => {
  const digits = digitsOf(await issue(bench, userId));
  const other = (await bench.services.tenants.create('other'))!.tenant.id;
  await expect(codes().check(other, userId, digits, async () => {})).rejects.toMatchObject({ code: 'user_not_found' });
  expect(await judge(digits)).toBe('accepted');
});

test('a code that was sent under an older master key is still right, and one under a foreign key is not', async () => {
  const [older, newer] = [
    { id: 'k1', key: Buffer.alloc(32, 1) },
    { id: 'k2', key: Buffer.alloc(32, 2) },
  ];
  const with_ = (...keys: (typeof older)[]) =>
    createCodes({
      pool: bench.pool,
      codes: createCodeRows(createKeyring(keys)),
      users: bench.services.rows.users,
      keyring: createKeyring(keys),
      channels: new Set(),
      deliveries: { start: () => {} },
      sendLimits: { count: () => Promise.resolve() },
    });
  const code = await issue(bench, userId);
  const digits = with_(older).digitsOf(code);
  const guess = { tenantId: bench.tenant.id, userId, purpose: 'login', code: digits } as const;
  expect(await judged(bench, (tx) => with_(newer).judge(tx, guess))).toBe('code_wrong');
  expect(await judged(bench, (tx) => with_(newer, older).judge(tx, guess))).toBe('accepted');
});
