import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { startWatchdog } from '../../stack/guard';
import type { Watchdog } from '../../stack/guard';
import { freePorts } from '../../stack/ports';
import { startPostgres } from '../../stack/postgres';
import type { RunningPostgres } from '../../stack/postgres';
import { fallbackFolder } from '../../stack/postgresFiles';
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

const start = () => startIn(home);

async function startIn(folder: string): Promise<RunningPostgres> {
  const [port = 0] = await freePorts(1);
  const logFile = path.join(folder, 'logs', 'postgres.log');
  return startPostgres({ home: folder, database: 'countersign', port, logFile, watchdog, throwAway: true });
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

(process.getuid?.() === 0 ? describe : describe.skip)('as root', () => {
  test('a home that user postgres may not enter has its data beside it, and says so', async () => {
    const closed = path.join(path.dirname(home), 'closed');
    fs.mkdirSync(path.join(closed, 'home'), { recursive: true, mode: 0o700 });
    const beside = fallbackFolder(path.join(closed, 'home'));
    watchdog.removeAtEnd(beside);
    const elsewhere = await startIn(path.join(closed, 'home'));
    expect(await query(elsewhere.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(elsewhere.note).toContain(beside);
    expect(fs.existsSync(path.join(beside, 'postgres', 'data'))).toBe(true);
    await elsewhere.stop(2_000);
  });

  test('what somebody else has put in the place of that folder is refused', async () => {
    const other = path.join(path.dirname(home), 'refused');
    fs.mkdirSync(other, { mode: 0o700 });
    const beside = fallbackFolder(other);
    fs.symlinkSync(path.dirname(home), beside);
    await expect(startIn(other)).rejects.toThrow('belongs to somebody else');
    fs.unlinkSync(beside);
  });
});

/** A second cluster, whose postmaster runs as the same user. */
function startElsewhere(): Promise<RunningPostgres> {
  const other = path.join(path.dirname(home), 'other');
  fs.mkdirSync(other, { mode: 0o711 });
  return startIn(other);
}
