import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createTenantRows } from '../../db/tenants';
import { createPool } from '../../db/transaction';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { runCommand } from './run';

jest.setTimeout(120_000);

const masterKey = { id: 'k1', key: randomBytes(32) };
let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { size: 2 });
  await createTenants(pool, createTenantRows(createKeyring([masterKey]))).create('Bank');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const run = (...args: string[]) =>
  runCommand(
    {
      DATABASE_URL: database.url,
      COUNTERSIGN_MASTER_KEYS: `${masterKey.id}:${masterKey.key.toString('base64')}`,
    },
    ['tenant', ...args],
  );
const set = (...args: string[]) => run('set', ...args);
const defaults = async () =>
  (await pool.query('select onboarding_seconds as deadline, reminder_seconds as reminder from tenants')).rows[0];

test('tenant set changes what is given, says what holds then, and refuses what is out of range', async () => {
  const deadline = await set('Bank', '--onboarding-deadline', '600');
  expect(deadline.code).toBe(0);
  expect(deadline.stdout.trimEnd().split('\n')).toEqual([
    'onboarding deadline  600 s',
    'onboarding reminder  3600 s',
    'sends per hour       5 to one phone',
    'between sends        30 s',
    'sends per day        100000',
    'in each country      50000',
    'unapproved requests  20 to one user',
    'Authy callback       none',
    'install-link         on',
    'unforced-verify      off',
    'callback-on-expiry   off',
    'plain-attributes     off',
    'custom-code          on',
    'repeat-window        on',
  ]);
  expect((await set('Bank', '--onboarding-reminder', '60')).code).toBe(0);
  expect(await defaults()).toEqual({ deadline: 600, reminder: 60 });
  const refused = await Promise.all([
    set('Bank', '--onboarding-deadline', '9'),
    set('Bank', '--onboarding-reminder', '86401'),
    set('Bank', '--onboarding-reminder', '1.5'),
    set('Nobody', '--onboarding-deadline', '600'),
  ]);
  expect(refused.map(({ code, stderr }) => [code, stderr.trim()])).toEqual([
    [1, '--onboarding-deadline is 10 to 86400 seconds.'],
    [1, '--onboarding-reminder is 1 to 86400 seconds.'],
    [1, '--onboarding-reminder is 1 to 86400 seconds.'],
    [1, 'There is no tenant named Nobody; see: tenant list'],
  ]);
  expect(await defaults()).toEqual({ deadline: 600, reminder: 60 });
});

test('how many codes are sent is set, limit by limit and country by country, and shown', async () => {
  const limitsOf = async (ran: ReturnType<typeof run>) => {
    const { stdout, stderr } = await ran;
    expect(stderr).toBe('');
    return stdout
      .split('\n')
      .slice(2, 6)
      .map((line) => line.slice(21));
  };
  await limitsOf(
    set('Bank', '--sends-per-hour', '10', '--seconds-between-sends', '0', '--country-sends', 'DE=500,ZZ=0'),
  );
  await limitsOf(set('Bank', '--sends-per-day', '2000', '--sends-per-day-in-country', '1000'));
  const some = await limitsOf(set('Bank', '--country-sends', 'DE=default,CH=7'));
  expect(some).toEqual(['10 to one phone', '0 s', '2000', '1000, CH=7, ZZ=0']);
  expect(await limitsOf(run('show', 'Bank'))).toEqual(some);
  const refused = await Promise.all([
    set('Bank', '--sends-per-hour', '0'),
    set('Bank', '--seconds-between-sends', '3601'),
    set('Bank', '--sends-per-day', '-1'),
    set('Bank', '--sends-per-day', '5', '--country-sends', 'UK=1'),
    set('Bank', '--country-sends', 'CH=10000001'),
    set('Bank', '--unapproved-requests', '0'),
    run('show', 'Nobody'),
  ]);
  expect(refused.map(({ code, stderr }) => [code, stderr.split(/ is |\n/)[0]])).toEqual([
    [1, '--sends-per-hour'],
    [1, '--seconds-between-sends'],
    [1, '--sends-per-day'],
    [1, '--country-sends'],
    [1, '--country-sends'],
    [1, '--unapproved-requests'],
    [1, 'There'],
  ]);
  expect(await limitsOf(run('show', 'Bank'))).toEqual(some);
  expect((await set('Bank', '--unapproved-requests', '7')).stdout).toMatch(/^unapproved requests +7 to one user$/m);
  expect((await run('show', 'Bank')).stdout).toMatch(/^unapproved requests +7 to one user$/m);
});
