import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { createTestDatabase } from './database';
import type { TestDatabase } from './database';

let first: TestDatabase;
let second: TestDatabase;

beforeAll(async () => {
  [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
});
afterAll(() => Promise.all([first.drop(), second.drop()]));

test('two databases made at once are migrated and know nothing of each other', async () => {
  await run(first.url, 'create table only_here (id int)');
  expect(await tables(first.url)).toContain('only_here');
  expect(await tables(second.url)).not.toContain('only_here');
  expect(await tables(second.url)).toContain('schema_migrations');
});

test('a dropped database is gone, also while somebody is connected', async () => {
  const database = await createTestDatabase();
  const client = new Client({ connectionString: database.url });
  const ended = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  await database.drop();
  await ended;
  await expect(run(database.url, 'select 1')).rejects.toMatchObject({ code: '3D000' });
});

async function tables(url: string): Promise<unknown[]> {
  const rows = await run(url, `select table_name from information_schema.tables where table_schema = 'public'`);
  return rows.map((row) => row['table_name']);
}

async function run(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
