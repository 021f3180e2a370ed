import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrate, schemaState } from '../../db/migrate';
import { administer } from '../support/database';
import { TEST_DATABASE_URL } from '../support/testEnvironment';

/** An empty database. */
let url: string;
let name: string;
const adminUrl = process.env[TEST_DATABASE_URL]!;
beforeEach(async () => {
  name = `empty_${randomBytes(6).toString('hex')}`;
  await administer(adminUrl, `create database ${name}`);
  const parsed = new URL(adminUrl);
  parsed.pathname = `/${name}`;
  url = parsed.href;
});
afterEach(() => administer(adminUrl, `drop database ${name} with (force)`));

async function run(sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('an empty database is older than the program, and right when it was migrated', async () => {
  expect(await schemaState(url)).toBe('older');
  await migrate(url);
  expect(await schemaState(url)).toBe('right');
});

test('migrating again changes nothing', async () => {
  await migrate(url);
  await run(`insert into tenants (id, name, signing_key) values (gen_random_uuid(), 'kept', '')`);
  const before = await run('select name, run_on from schema_migrations');
  await migrate(url);
  expect(await run('select name, run_on from schema_migrations')).toEqual(before);
  expect(await run('select name from tenants')).toEqual([{ name: 'kept' }]);
});

test('several who migrate at once do it once, and the others are told or find it done', async () => {
  const settled = await Promise.allSettled(Array.from({ length: 4 }, () => migrate(url)));
  expect(settled.some(({ status }) => status === 'fulfilled')).toBe(true);
  await migrate(url);
  expect(await schemaState(url)).toBe('right');
  expect(
    await run('select name, count(*)::int as count from schema_migrations group by name having count(*) > 1'),
  ).toEqual([]);
});

test('a schema that knows more than the program is newer', async () => {
  await migrate(url);
  await run(`insert into schema_migrations (name, run_on) values ('9999_of_the_future', now())`);
  expect(await schemaState(url)).toBe('newer');
});

test('a schema that lacks a migration is older, whatever else it has', async () => {
  await migrate(url);
  await run(`update schema_migrations set name = 'another'`);
  expect(await schemaState(url)).toBe('older');
});
