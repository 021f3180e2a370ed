import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { startWatchdog } from '../../stack/guard';
import type { Watchdog } from '../../stack/guard';
import { freePorts } from '../../stack/ports';
import { startPostgres } from '../../stack/postgres';
import type { RunningPostgres } from '../../stack/postgres';
import { makeHome } from './stackProcess';

jest.setTimeout(60_000);

const home = makeHome();
const pidFile = path.join(home, 'postgres', 'data', 'postmaster.pid');
let watchdog: Watchdog;
let server: RunningPostgres;

beforeAll(async () => {
  fs.mkdirSync(home, { mode: 0o711 });
  watchdog = startWatchdog();
  watchdog.removeAtEnd(path.dirname(home));
  server = await start();
  await query(server.url, 'create table kept as select 42 as answer');
});
afterAll(async () => {
  await server.stop(2_000);
  await watchdog.close();
});

async function start(): Promise<RunningPostgres> {
  const [port = 0] = await freePorts(1);
  const logFile = path.join(home, 'logs', 'postgres.log');
  return startPostgres({ home, database: 'countersign', port, logFile, watchdog, throwAway: true });
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function kill(): Promise<void> {
  process.kill(server.pid, 'SIGKILL');
  await server.ended;
}

test('it listens on loopback only, and wants the password', async () => {
  expect(await query(server.url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
  const url = new URL(server.url);
  url.password = 'another';
  await expect(query(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
});

test('after kill -9 the next start has the rows', async () => {
  await kill();
  expect(fs.existsSync(pidFile)).toBe(true);
  server = await start();
  expect(await query(server.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('after kill -9 it starts also when its number belongs to another process by now', async () => {
  await kill();
  // Of the same user, which is what PostgreSQL would take for itself.
  const [, ...rest] = fs.readFileSync(pidFile, 'utf8').split('\n');
  const other = await startElsewhere();
  fs.writeFileSync(pidFile, [other.pid, ...rest].join('\n'));
  server = await start();
  expect(await query(server.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  expect(other.ending()).toBeUndefined();
  await other.stop(2_000);
});

test('a server that outlived its stack is ended before the next one starts', async () => {
  const before = server;
  server = await start();
  expect(before.ending()).toBeDefined();
  expect(await query(server.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

/** A second cluster, whose postmaster runs as the same user. */
async function startElsewhere(): Promise<RunningPostgres> {
  const otherHome = path.join(path.dirname(home), 'other');
  fs.mkdirSync(otherHome, { mode: 0o711 });
  const [port = 0] = await freePorts(1);
  const logFile = path.join(otherHome, 'postgres.log');
  return startPostgres({ home: otherHome, database: 'other', port, logFile, watchdog, throwAway: true });
}
