import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SEALED_COLUMNS } from '../../db/sealedColumns';
import { createPool } from '../../db/transaction';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';

/** Bytes that are not sealed, and why `keys rotate` leaves them alone. */
const NOT_SEALED: Record<string, string> = {
  'brandings.main_logo': 'shown to everybody',
  'brandings.sidebar_logo': 'shown to everybody',
  'codes.action': 'a MAC that lives ten minutes; checked under all keys',
  'recent_acts.subject': 'a MAC that lives two hours; under another key the count begins anew',
  'api_keys.key_mac': 'cannot be made again without the key; moves when the key is used',
};

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { size: 1 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('every column of bytes in the schema is sealed, an index of what is sealed, or named as neither', async () => {
  const { rows } = await pool.query<{ name: string }>(
    `select table_name || '.' || column_name as name from information_schema.columns
      where table_schema = 'public' and data_type = 'bytea'`,
  );
  const known = SEALED_COLUMNS.flatMap(({ table, column, index }) => [
    `${table}.${column}`,
    ...(index ? [`${table}.${index.column}`] : []),
  ]);
  expect([...known, ...Object.keys(NOT_SEALED)].sort()).toEqual(rows.map(({ name }) => name).sort());
});

test('each names the primary key of its table', async () => {
  const { rows } = await pool.query<{ name: string; key: string[] }>(
    `select c.relname as name, array_agg(a.attname::text order by array_position(i.indkey::int2[], a.attnum)) as key
       from pg_index i join pg_class c on c.oid = i.indrelid
       join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
      where i.indisprimary and c.relnamespace = 'public'::regnamespace group by c.relname`,
  );
  const keys = Object.fromEntries(rows.map(({ name, key }) => [name, key]));
  for (const { table, key } of SEALED_COLUMNS) expect({ table, key }).toEqual({ table, key: keys[table] });
});
