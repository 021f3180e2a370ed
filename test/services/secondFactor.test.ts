import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { readClock } from '../../db/transaction';
import { DomainError } from '../../domain/errors';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench } from '../support/services';
import type { Bench } from '../support/services';
import { addPerson, digitsAt, issue, wrong } from './guesses';

/** Digits of which nobody says what they are, with nothing between the caller and the rows. */
let database: TestDatabase;
let bench: Bench;
let userId: string;
let secret: string | undefined;
beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url);
}, 60_000);
beforeEach(async () => {
  userId = await addPerson(bench);
  secret = undefined;
});
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});

async function addApp(): Promise<void> {
  ({ secret } = await bench.services.totp.create(bench.tenant.id, userId, async () => {}));
}
const shown = async () => digitsAt(secret!, await readClock(bench.pool));
/** By which way the digits had come, or why they are refused. Each minute has guesses enough. */
async function check(code: string, action?: string): Promise<string> {
  await bench.pool.query('delete from recent_acts');
  const guess = { tenantId: bench.tenant.id, userId, purpose: 'login', code, action } as const;
  const judged = bench.services.secondFactor.check(guess).then(({ kind }) => kind);
  return judged.catch((error: unknown) => {
    if (!(error instanceof DomainError)) throw error;
    return error.code;
  });
}
const inThisHour = async () =>
  (await bench.pool.query<{ attempts: number }>('select attempts from code_windows where user_id = $1', [userId]))
    .rows[0]?.attempts ?? 0;
const expire = () => bench.pool.query('update codes set expires_at = clock_timestamp() where user_id = $1', [userId]);

test('a guess is counted once, at the code that was sent', async () => {
  await addApp();
  const digits = bench.services.codes.digitsOf(await issue(bench, userId, { length: 7 }));
  expect(await check(wrong(digits))).toBe('code_wrong');
  expect(await inThisHour()).toBe(1);
  expect(await check(digits)).toBe('sms');
  expect(await check(digits)).toBe('code_used');
});

test.each([
  ['has expired', expire],
  ['has no guess left', () => bench.pool.query('update codes set attempts = 5 where user_id = $1', [userId])],
])('behind a code that %s, guesses at the app are counted, ten an hour', async (_how, spoil) => {
  await addApp();
  await issue(bench, userId, { length: 7 });
  await spoil();
  for (let n = 1; n <= 10; n++) expect(await check(wrong(await shown(), n))).toBe('code_wrong');
  expect(await inThisHour()).toBe(10);
  expect(await check(wrong(await shown(), 11))).toBe('too_many_attempts');
  expect(await check(await shown())).toBe('too_many_attempts');
});

test.each([
  ['code_expired', expire],
  ['too_many_attempts', () => bench.pool.query('update codes set attempts = 5 where user_id = $1', [userId])],
])('without an app such a code says so itself: %s', async (refusal, spoil) => {
  const digits = bench.services.codes.digitsOf(await issue(bench, userId));
  await spoil();
  expect(await check(digits)).toBe(refusal);
});

test('what an app shows is good beside a code that was sent, and for every action', async () => {
  await addApp();
  await issue(bench, userId, { length: 7 });
  expect(await check(await shown(), 'pay')).toBe('totp');
  expect(await inThisHour()).toBe(0);
});

test('a code that was replaced is wrong, and the one that came instead is right', async () => {
  const first = bench.services.codes.digitsOf(await issue(bench, userId, { length: 7 }));
  const second = bench.services.codes.digitsOf(await issue(bench, userId, { length: 7, channel: 'email' }));
  expect([await check(first), await check(second)]).toEqual(['code_wrong', 'email']);
});
