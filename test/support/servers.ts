import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { migrate } from '../../db/migrate';
import { ensureSearchAttributes } from '../../platform/temporal/searchAttributes';
import type { Part } from '../../stack/part';
import { freePorts } from '../../stack/ports';
import { startPostgres } from '../../stack/postgres';
import { startTemporal, TEMPORAL_NAMESPACE } from '../../stack/temporal';
import { startWatchdog } from '../../stack/guard';
import type { Watchdog } from '../../stack/guard';
import { administer } from './database';
import { TEST_DATABASE_URL, TEST_TEMPLATE } from './testEnvironment';

const STOP_MS = 2_000;
const MEMORY_FOLDER = '/dev/shm';
const ENOUGH_BYTES = 2 * 1024 ** 3;

let watchdog: Watchdog | undefined;
let parts: Part[] = [];
let endTemplate: (() => Promise<void>) | undefined;

/**
 * Starts what the tests need and is not given: COUNTERSIGN_TEST_DATABASE_URL (a server where databases may be made)
 * and TEMPORAL_ADDRESS name servers of one's own. Jest's workers are started afterwards and inherit the environment.
 */
export async function startTestServers(): Promise<void> {
  watchdog = startWatchdog();
  // User `postgres` has to pass through it; mkdtemp makes it 0700.
  const home = fs.mkdtempSync(path.join(temporaryFolder(), 'countersign-test-'));
  fs.chmodSync(home, 0o711);
  watchdog.removeAtEnd(home);
  try {
    const settled = await Promise.allSettled([providePostgres(home, watchdog), provideTemporal(home, watchdog)]);
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
  } catch (error) {
    await stopTestServers();
    throw error;
  }
}

/** Ends what `startTestServers` has started, and removes its files. */
export async function stopTestServers(): Promise<void> {
  await endTemplate?.();
  await Promise.all(parts.map((part) => part.stop(STOP_MS)));
  await watchdog?.close();
  parts = [];
  endTemplate = undefined;
  watchdog = undefined;
}

/** In memory where there is room for it: a database is then made in 15 ms instead of 200. Containers often have 64 MiB. */
function temporaryFolder(): string {
  try {
    const { bavail, bsize } = fs.statfsSync(MEMORY_FOLDER);
    fs.accessSync(MEMORY_FOLDER, fs.constants.W_OK);
    if (bavail * bsize > ENOUGH_BYTES) return MEMORY_FOLDER;
  } catch {
    // Not on this system.
  }
  return os.tmpdir();
}

async function providePostgres(home: string, guard: Watchdog): Promise<void> {
  let adminUrl = process.env[TEST_DATABASE_URL];
  if (!adminUrl) {
    const [port = 0] = await freePorts(1);
    const logFile = path.join(home, 'logs', 'postgres.log');
    const options = { home, database: 'postgres', port, logFile, watchdog: guard, throwAway: true };
    const postgres = await startPostgres(options);
    parts.push(postgres);
    adminUrl = postgres.url;
  }
  const template = `countersign_template_${randomBytes(6).toString('hex')}`;
  await administer(adminUrl, `create database ${template}`);
  endTemplate = async () => {
    if (parts.every((part) => part.name !== 'PostgreSQL')) await administer(adminUrl, `drop database ${template}`);
  };
  const url = new URL(adminUrl);
  url.pathname = `/${template}`;
  await migrate(url.href);
  process.env[TEST_DATABASE_URL] = adminUrl;
  process.env[TEST_TEMPLATE] = template;
}

async function provideTemporal(home: string, guard: Watchdog): Promise<void> {
  process.env['TEMPORAL_NAMESPACE'] ??= TEMPORAL_NAMESPACE;
  if (process.env['TEMPORAL_ADDRESS']) {
    await registerSearchAttributes();
    return;
  }
  const [port = 0] = await freePorts(1);
  const logFile = path.join(home, 'logs', 'temporal.log');
  const temporal = await startTemporal({ port, logFile, watchdog: guard });
  parts.push(temporal);
  process.env['TEMPORAL_ADDRESS'] = temporal.address;
}

async function registerSearchAttributes(): Promise<void> {
  const { namespace = TEMPORAL_NAMESPACE, connectionOptions } = loadClientConnectConfig();
  const connection = await Connection.connect(connectionOptions);
  try {
    const { reason } = await ensureSearchAttributes(connection, namespace);
    if (reason !== undefined) throw new Error(reason);
  } finally {
    await connection.close();
  }
}
