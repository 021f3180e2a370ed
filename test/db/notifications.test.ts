import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { recordEvents } from '../../db/events';
import type { Topic } from '../../db/events';
import { createNotifications } from '../../db/notifications';
import { createPool, inTransaction } from '../../db/transaction';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { until } from '../support/until';

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let notifications: ReturnType<typeof createNotifications>;
const tenantId = randomUUID();
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { size: 4 });
  await pool.query(`insert into tenants (id, name, signing_key) values ($1, 'one', '')`, [tenantId]);
  await pool.query('insert into event_counters (tenant_id) values ($1)', [tenantId]);
}, 60_000);
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});
beforeEach(async () => {
  notifications = createNotifications(database.url);
  await until(async () => listeners(), { what: 'listening' });
});
afterEach(() => notifications.close());

/** The server's processes of connections that listen. */
const listeners = async () => {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
      where datname = current_database() and application_name = 'countersign notifications' and query ~ '^listen'`,
  );
  return rows.length > 0 && rows.map(({ pid }) => pid);
};
const topic = (): Topic => ({ kind: 'approval', id: randomUUID() });
const counting = (of: Topic) => {
  const seen = { count: 0, stop: () => {} };
  seen.stop = notifications.listen(of, () => (seen.count += 1));
  return seen;
};
const tell = (...topics: Topic[]) =>
  inTransaction(pool, (tx) => recordEvents(tx, tenantId, [{ type: 'user_created' }], topics));

test('who waits for a topic is woken at its change, and nobody else', async () => {
  const [mine, other] = [topic(), topic()];
  const [first, second, elsewhere] = [counting(mine), counting(mine), counting(other)];
  await tell(mine);
  await until(async () => first.count === 1 && second.count === 1);
  await tell(other);
  await until(async () => elsewhere.count === 1);
  expect([first.count, second.count]).toEqual([1, 1]);
});

test('nobody is woken before the commit, nor by what was rolled back', async () => {
  const [mine, last] = [topic(), topic()];
  const [seen, end] = [counting(mine), counting(last)];
  await inTransaction(pool, async (tx) => {
    await recordEvents(tx, tenantId, [], [mine]);
    throw new Error('no');
  }).catch(() => {});
  await inTransaction(pool, async (tx) => {
    await recordEvents(tx, tenantId, [], [mine]);
    await pool.query('select pg_sleep(0.1)');
    expect(seen.count).toBe(0);
  });
  await tell(last);
  await until(async () => end.count === 1);
  expect(seen.count).toBe(1);
});

test('who has stopped waiting is not woken, and counts no more', async () => {
  const [mine, last] = [topic(), topic()];
  const [seen, end] = [counting(mine), counting(last)];
  expect(notifications.waiting()).toBe(2);
  seen.stop();
  seen.stop(); // harmless
  expect(notifications.waiting()).toBe(1);
  await tell(mine);
  await tell(last);
  await until(async () => end.count === 1);
  expect(seen.count).toBe(0);
});

test('when the connection is cut it comes back, and everybody looks: something may have been missed', async () => {
  const mine = topic();
  const seen = counting(mine);
  const [pid] = (await listeners()) as number[];
  await pool.query('select pg_terminate_backend($1)', [pid]);
  await until(async () => seen.count === 1, { what: 'a wake-up after the reconnection' });
  await tell(mine);
  await until(async () => seen.count === 2);
});
