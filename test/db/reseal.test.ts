import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { createResealing } from '../../db/reseal';
import { createTenantRows } from '../../db/tenants';
import { createPool, inTransaction } from '../../db/transaction';
import { createUserRows } from '../../db/users';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';

const [k0, k1, k2] = ['k0', 'k1', 'k2'].map((id) => ({ id, key: randomBytes(32) })) as [Key, Key, Key];
type Key = { id: string; key: Buffer };
const before = createKeyring([k1, k2]);
const during = createKeyring([k2, k1]);
const after = createKeyring([k2]);

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let tenantId: string;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { size: 8 });
});
beforeEach(async () => {
  tenantId = (await createTenants(pool, createTenantRows(during)).create(randomUUID()))!.tenant.id;
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const addUser = async (keyring: typeof before, phone: string, email = `${randomUUID()}@example.com`) =>
  (await inTransaction(pool, (tx) =>
    createUserRows(keyring).insert(tx, { id: randomUUID(), tenantId, externalId: null, phone, email }),
  ))!;

/** A pool that lets something happen just before the first update. */
function interrupted(happens: () => Promise<unknown>): Pool {
  let done = false;
  const query = async (sql: string, values: unknown[]) => {
    if (!done && sql.startsWith('update')) {
      done = true;
      await happens();
    }
    return pool.query(sql, values);
  };
  return { query } as unknown as Pool;
}

const reseal = (on: Pool = pool) => createResealing(on, during).reseal(() => {});
const usersOf = (tables: Awaited<ReturnType<typeof reseal>>) => tables.find(({ table }) => table === 'users')!;

test('a value that changes between its read and its write is not overwritten, and the rest of its row moves', async () => {
  const user = await addUser(before, '+41446681800');
  const newer = before.encrypt('user', 'newer@example.com', user.id); // by a process that has not heard of k2 coming first
  const change = () => pool.query(`update users set email = $2 where id = $1`, [user.id, newer]);
  const { rowsResealed, left } = usersOf(await reseal(interrupted(change)));
  expect({ rowsResealed, left }).toEqual({ rowsResealed: 1, left: [] });
  const found = await createUserRows(after).findByPhone(pool, tenantId, '+41446681800');
  expect(found).toMatchObject({ id: user.id, phone: '+41446681800', email: 'newer@example.com' });
});

test('a user who is removed in between stays removed, with nothing of theirs', async () => {
  const user = await addUser(before, '+41446681800');
  await reseal(interrupted(() => inTransaction(pool, (tx) => createUserRows(during).remove(tx, tenantId, user.id))));
  const { rows } = await pool.query(`select phone, phone_index, email from users where id = $1`, [user.id]);
  expect(rows).toEqual([{ phone: null, phone_index: null, email: null }]);
});

test('what is under the current key is not written again', async () => {
  await addUser(before, '+41446681800');
  await addUser(during, '+41446681801');
  expect(usersOf(await reseal()).rowsResealed).toBe(1);
  const versions = async () => (await pool.query(`select id, xmin::text from users order by id`)).rows;
  const once = await versions();
  expect(usersOf(await reseal()).rowsResealed).toBe(0);
  expect(await versions()).toEqual(once);
});

test('a phone that two writers gave to two users is reported, and the rest goes on', async () => {
  // Each sees only the index of its own key.
  const first = await addUser(before, '+41446681800');
  const second = await addUser(during, '+41446681800');
  const others = await Promise.all([1, 2, 3, 4, 5].map((n) => addUser(before, `+4144668180${n}`)));
  expect(usersOf(await reseal())).toMatchObject({
    rowsResealed: others.length,
    left: [{ row: first.id, why: 'belongs to two rows' }],
  });
  await inTransaction(pool, (tx) => createUserRows(during).remove(tx, tenantId, second.id));
  expect(usersOf(await reseal())).toMatchObject({ rowsResealed: 1, left: [] });
});

test('what was sealed with a key that is not there, or with none, is counted and left as it is', async () => {
  const lost = await addUser(createKeyring([k0]), '+41446681800');
  const broken = await addUser(before, '+41446681801');
  await pool.query(`update users set email = '\\x00' where id = $1`, [broken.id]);
  const table = usersOf(await reseal());
  expect(table.left).toHaveLength(2);
  expect(table.left).toEqual(
    expect.arrayContaining([lost, broken].map(({ id }) => ({ row: id, why: 'cannot be opened' }))),
  );
  const status = await createResealing(pool, during).status();
  const of = (column: string) => status.find((each) => each.table === 'users' && each.column === column)!.byKeyId;
  expect(of('phone').get('k0')).toBe(1);
  expect(of('email').get('?')).toBe(1);
  await pool.query(`delete from users where id = any($1)`, [[lost.id, broken.id]]);
});

test('more rows than fit on a page are all seen, in one pass', async () => {
  await Promise.all(Array.from({ length: 450 }, (_, n) => addUser(before, `+1415555${1000 + n}`)));
  const { rowsSeen, rowsResealed } = usersOf(await reseal());
  const { rows } = await pool.query<{ count: number }>(`select count(*)::int as count from users`);
  expect(rowsSeen).toBe(rows[0]!.count);
  expect(rowsResealed).toBe(450);
});
