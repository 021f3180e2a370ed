import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createTenantRows } from '../../db/tenants';
import { createPool } from '../../db/transaction';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { createTestDatabase } from '../support/database';
import { callerOf } from '../support/program';
import type { TestProgram } from '../support/program';
import { keptWorkflowBundle } from '../../stack/workflowBundle';

const ROOT = join(__dirname, '..', '..');

/** A database with a tenant, and the environment of processes that serve it. */
export interface Installation extends Pick<TestProgram, 'tenant' | 'pool'> {
  databaseUrl: string;
  env: Record<string, string>;
  remove(): Promise<void>;
}

/** Makes one for processes of their own, which share its keys, database and task queues. */
export async function createInstallation(): Promise<Installation> {
  const database = await createTestDatabase();
  const name = `test-${randomBytes(5).toString('hex')}`;
  const key = randomBytes(32);
  const pool = createPool(database.url, { size: 5 });
  const tenants = createTenants(pool, createTenantRows(createKeyring([{ id: 'k1', key }])));
  const { tenant, apiKey, signingKey, authyApiKey } = (await tenants.create(name))!;
  return {
    databaseUrl: database.url,
    tenant: { id: tenant.id, apiKey, signingKey, authyApiKey },
    pool,
    env: {
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: process.env['TEMPORAL_ADDRESS']!,
      TEMPORAL_NAMESPACE: process.env['TEMPORAL_NAMESPACE']!,
      PORT: '0',
      COUNTERSIGN_MASTER_KEYS: `k1:${key.toString('base64')}`,
      COUNTERSIGN_SIMULATOR: '1',
      COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '0',
      COUNTERSIGN_TASK_QUEUE_PREFIX: name,
      COUNTERSIGN_WORKFLOW_BUNDLE: await keptWorkflowBundle(),
    },
    async remove() {
      await pool.end();
      await database.drop();
    },
  };
}

export interface Ending {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** The program as somebody runs it: main.ts in a process of its own. */
export interface MainProcess {
  kill(signal: NodeJS.Signals): void;
  /** The first log line with this message. */
  logged(message: string): Promise<Record<string, unknown>>;
  /** Where it listens. */
  url(): Promise<string>;
  ended: Promise<Ending>;
}

const running = new Set<MainProcess>();

const FROM_SOURCES = ['--import', 'tsx', join(ROOT, 'main.ts')];

/** Starts it with these variables and no others; from the sources, or what has been built of them. */
export function startMain(env: Record<string, string>, command: readonly string[] = FROM_SOURCES): MainProcess {
  const child = spawn(process.execPath, command, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const look = () => waiting.forEach((each) => each());
  let stderr = '';
  let over = false;
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    look();
  });
  const ended = new Promise<Ending>((resolve) =>
    child.once('close', (code, signal) => {
      over = true;
      running.delete(main);
      look();
      resolve({ code, signal, stdout: lines.join('\n'), stderr });
    }),
  );

  const logged = (message: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const find = () => {
        const line = lines.find((each) => each.includes(`"msg":"${message}"`));
        if (line === undefined && !over) return;
        waiting.delete(find);
        if (line === undefined) reject(new Error(`ended without "${message}": ${stderr}`));
        else resolve(JSON.parse(line) as Record<string, unknown>);
      };
      waiting.add(find);
      find();
    });
  const main: MainProcess = {
    kill: (signal) => void child.kill(signal),
    logged,
    url: async () => `http://127.0.0.1:${String((await logged('listening'))['port'])}`,
    ended,
  };
  running.add(main);
  return main;
}

/** Ends what a test has left running. */
export async function endProcesses(): Promise<void> {
  for (const main of running) main.kill('SIGKILL');
  await Promise.all([...running].map((main) => main.ended));
}

/** A tenant's back end, and phones, towards a running process. */
export async function clientOf(
  main: MainProcess,
  { tenant }: Installation,
): Promise<Pick<TestProgram, 'url' | 'call'>> {
  const url = await main.url();
  return { url, call: callerOf(url, tenant.apiKey) };
}
