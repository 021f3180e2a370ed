import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DatabaseError } from 'pg';
import { createPool, inTransaction, readClock } from '../../db/transaction';
import { asRefusal, isDatabaseAway, violated } from '../../db/violations';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { size: 2 });
  await pool.query('create table notes (text text constraint notes_once unique)');
}, 60_000);
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

const notes = async () =>
  (await pool.query<{ text: string }>('select text from notes order by 1')).rows.map((r) => r.text);
const caught = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a transaction', () => {
  test('is written as a whole, and seen by nobody before', async () => {
    const result = await inTransaction(pool, async (tx) => {
      await tx.query(`insert into notes values ('a'), ('b')`);
      expect(await notes()).toEqual([]);
      return 'done';
    });
    expect(result).toBe('done');
    expect(await notes()).toEqual(['a', 'b']);
  });

  test.each([
    ['our code', async () => Promise.reject(new Error('no'))],
    ['the database', async (tx: { query(sql: string): Promise<unknown> }) => tx.query('select 1/0')],
  ])('that fails in %s leaves nothing, and its connection is good again', async (_where, fail) => {
    const before = await notes();
    for (let i = 0; i < 5; i++) {
      await caught(
        inTransaction(pool, async (tx) => {
          await tx.query(`insert into notes values ('half ${i}')`);
          await fail(tx);
        }),
      );
    }
    expect(await notes()).toEqual(before);
    expect(pool.totalCount).toBeLessThanOrEqual(2);
  });

  test('whose connection is cut leaves nothing, and the pool goes on with another', async () => {
    const before = await notes();
    const error = await caught(
      inTransaction(pool, async (tx) => {
        await tx.query(`insert into notes values ('cut')`);
        const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
        await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
        await tx.query('select 1');
      }),
    );
    expect(isDatabaseAway(error)).toBe(true);
    expect(await notes()).toEqual(before);
    for (let i = 0; i < 4; i++) await inTransaction(pool, (tx) => tx.query('select 1'));
  });

  test('reads the clock of this moment, not that of its beginning', async () => {
    await inTransaction(pool, async (tx) => {
      const before = await readClock(tx);
      await tx.query('select pg_sleep(0.05)');
      expect(await readClock(tx)).toBeGreaterThan(before + 40);
    });
  });

  test('does not wait for a lock without end', async () => {
    await inTransaction(pool, async (holder) => {
      await holder.query(`select from notes where text = 'a' for update`);
      const startedMs = performance.now();
      const error = await caught(inTransaction(pool, (tx) => tx.query(`update notes set text = 'z' where text = 'a'`)));
      expect(isDatabaseAway(error)).toBe(true);
      expect(performance.now() - startedMs).toBeLessThan(3_000);
    });
    expect(await notes()).toContain('a');
  });
});

describe('errors of the database', () => {
  test('a violated rule has its name; unknown ones stay accidents', async () => {
    const twice = await caught(pool.query(`insert into notes values ('a')`));
    expect(violated(twice)).toBe('notes_once');
    expect(asRefusal(twice)).toBe(twice);
    expect(isDatabaseAway(twice)).toBe(false);
    expect(violated(await caught(pool.query('select 1/0')))).toBeUndefined();
  });

  test.each(['devices_public_key_once', 'device_proofs_once'])('%s is a refusal', (constraint) => {
    const error = Object.assign(new DatabaseError('duplicate key', 0, 'error'), { code: '23505', constraint });
    expect(asRefusal(error)).toMatchObject({ name: 'DomainError' });
  });

  test('a pool that has no connection left says so in time, as something that passes', async () => {
    const holders = await Promise.all([pool.connect(), pool.connect()]);
    const error = await caught(pool.query('select 1'));
    for (const holder of holders) holder.release();
    expect(isDatabaseAway(error)).toBe(true);
    expect((await pool.query('select 1')).rowCount).toBe(1);
  });

  test('a server that is not there is away; a mistake of ours is not', async () => {
    const nowhere = createPool('postgres://nobody@127.0.0.1:1/none');
    expect(isDatabaseAway(await caught(nowhere.query('select 1')))).toBe(true);
    await nowhere.end();
    expect(isDatabaseAway(await caught(pool.query('selec 1')))).toBe(false);
    expect(isDatabaseAway(new Error('something else'))).toBe(false);
    expect(isDatabaseAway('a text')).toBe(false);
  });
});
