import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Client, Pool } from 'pg';
import { createTestDatabase } from '../database';
import type { TestDatabase } from '../database';
import { startPostgresProxy } from './postgresProxy';
import type { PostgresProxy } from './postgresProxy';

let database: TestDatabase;
let proxy: PostgresProxy;
let through: Pool;
let direct: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  direct = poolOf(database.url);
  await direct.query('create table notes (id int primary key, text text)');
});
afterAll(async () => {
  await direct.end();
  await database.drop();
});
beforeEach(async () => {
  const url = new URL(database.url);
  proxy = await startPostgresProxy(Number(url.port));
  url.port = String(proxy.port);
  through = poolOf(url.href);
  await direct.query('truncate notes');
});
afterEach(async () => {
  await proxy.close();
  await through.end();
});

test('queries, parameters, prepared statements and errors pass', async () => {
  const { rows } = await through.query<{ sum: number }>('select $1::int + $2::int as sum', [1, 2]);
  expect(rows).toEqual([{ sum: 3 }]);
  for (const value of ['a', 'b']) {
    expect((await through.query({ name: 'named', text: 'select $1 as text', values: [value] })).rows).toEqual([
      { text: value },
    ]);
  }
  await expect(through.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
  const large = await through.query<{ text: string }>(`select repeat('x', 3000000) as text`);
  expect(large.rows[0]!.text).toHaveLength(3_000_000);
});

test('a client that asks for encryption is told that there is none', async () => {
  const url = new URL(database.url);
  url.port = String(proxy.port);
  const client = new Client({ connectionString: url.href, ssl: true });
  await expect(client.connect()).rejects.toThrow('does not support SSL');
});

test('stopped before a commit, nothing is written; dropped, it never is', async () => {
  const stop = proxy.stopAt(isCommitOf('insert into notes'), 'before');
  const written = write(1).catch((error: unknown) => error);
  expect((await stop.arrived).transaction.map(({ values }) => values)).toEqual([['1']]);
  expect(await ids()).toEqual([]);
  stop.drop();
  expect(await written).toBeInstanceOf(Error);
  expect(await ids()).toEqual([]);
});

test('stopped before a commit and released, it is written', async () => {
  const stop = proxy.stopAt(isCommitOf('insert into notes'), 'before');
  const written = write(1);
  await stop.arrived;
  stop.release();
  await written;
  expect(await ids()).toEqual([1]);
});

test('stopped after a commit, it is written and the writer does not know', async () => {
  const stop = proxy.stopAt(isCommitOf('insert into notes'), 'after');
  let known = false;
  const written = write(1).finally(() => (known = true));
  await stop.arrived;
  expect(await ids()).toEqual([1]);
  expect(known).toBe(false);
  stop.release();
  await written;
});

test('stopped after a statement, its lock is held', async () => {
  await write(1);
  const stop = proxy.stopAt(({ name }) => name.endsWith('for update'), 'after');
  const changed = inTransaction('select id from notes where id = 1 for update');
  await stop.arrived;
  await expect(direct.query('select id from notes where id = 1 for update nowait')).rejects.toMatchObject({
    code: '55P03',
  });
  stop.release();
  await changed;
});

test('only the first statement that matches is held; other connections flow', async () => {
  const stop = proxy.stopAt(isCommitOf('insert into notes'), 'before');
  const first = write(1);
  await stop.arrived;
  await write(2);
  expect(await ids()).toEqual([2]);
  stop.release();
  await first;
});

test('a statement can be matched by its values', async () => {
  const stop = proxy.stopAt(({ values }) => values.includes('2'), 'before');
  await write(1);
  const second = write(2);
  await stop.arrived;
  stop.release();
  await second;
});

test('a statement can be given another text', async () => {
  proxy.rewrite((text) => text.replace('$1::int', '$1::int + 1'));
  expect((await through.query('select $1::int as n', [1])).rows).toEqual([{ n: 2 }]);
  expect((await through.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  proxy.rewrite(undefined);
  expect((await through.query('select $1::int as n', [1])).rows).toEqual([{ n: 1 }]);
});

test('statements are counted by their text', async () => {
  await through.query('select 1');
  await through.query('SELECT\n  1');
  expect(proxy.counts()).toEqual({ 'select 1': 2 });
});

test('notifications reach a listener', async () => {
  const listener = await through.connect();
  await listener.query('listen news');
  const heard = once(listener, 'notification') as Promise<[{ payload: string }]>;
  await direct.query(`select pg_notify('news', 'hello')`);
  expect((await heard)[0].payload).toBe('hello');
  listener.release();
});

test('cut and refusing, it is like a server that is away', async () => {
  await through.query('select 1');
  proxy.refuse(true);
  proxy.cutAll();
  await expect(through.query('select 1')).rejects.toThrow();
  proxy.refuse(false);
  expect((await through.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
});

const isCommitOf =
  (text: string) =>
  ({ name, transaction }: { name: string; transaction: readonly { name: string }[] }) =>
    name === 'commit' && transaction.some((step) => step.name.includes(text));

const write = (id: number) => inTransaction('insert into notes (id) values ($1)', [id]);

async function inTransaction(sql: string, values?: unknown[]): Promise<void> {
  const client = await through.connect();
  let broken = true;
  try {
    await client.query('begin');
    await client.query(sql, values);
    await client.query('commit');
    broken = false;
  } finally {
    client.release(broken);
  }
}

async function ids(): Promise<number[]> {
  return (await direct.query<{ id: number }>('select id from notes order by id')).rows.map(({ id }) => id);
}

function poolOf(connectionString: string): Pool {
  const pool = new Pool({ connectionString, max: 4 });
  pool.on('error', () => undefined); // an idle connection that was cut
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
