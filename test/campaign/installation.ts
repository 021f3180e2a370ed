import { randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Pool } from 'pg';
import { migrate } from '../../db/migrate';
import { createTenantRows } from '../../db/tenants';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { startWatchdog } from '../../stack/guard';
import { lastLines, whenReady } from '../../stack/part';
import type { Part } from '../../stack/part';
import { freePorts } from '../../stack/ports';
import { startPostgres } from '../../stack/postgres';
import { startProgram } from '../../stack/program';
import { startTemporal, TEMPORAL_NAMESPACE } from '../../stack/temporal';
import { keptWorkflowBundle } from '../../stack/workflowBundle';
import { startH2cProxy } from '../support/proxies/h2cProxy';
import type { H2cProxy } from '../support/proxies/h2cProxy';
import { startPostgresProxy } from '../support/proxies/postgresProxy';
import type { PostgresProxy } from '../support/proxies/postgresProxy';
import type { PartName } from './places';

export interface Installation {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly tenantId: string;
  readonly signingKey: string;
  /** Data and logs. */
  readonly home: string;
  /** Not by the proxy: what the checker looks at. */
  readonly database: Pool;
  readonly temporal: H2cProxy;
  readonly postgres: PostgresProxy;
  /** `kill -9`; settles when the part is gone. */
  kill(part: PartName): Promise<void>;
  /** Starts a killed part on the same data and port; settles when everything serves again. */
  restart(part: PartName): Promise<void>;
  /** Parts that ended without being killed, which none of them should. */
  accidents(): readonly string[];
  close(options: { keepFiles: boolean }): Promise<void>;
}

const SERVING_WITHIN_MS = 60_000;
const POSTGRES_AGAIN_MS = 20_000;
const STOP_MS = 3_000;

/**
 * Real PostgreSQL and Temporal servers and the program, each a process of its own that can be killed and started again
 * on its data; the program reaches both through a proxy.
 */
export async function startInstallation(): Promise<Installation> {
  const watchdog = startWatchdog();
  // User `postgres` has to pass through it; mkdtemp makes it 0700.
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-campaign-'));
  fs.chmodSync(home, 0o711);
  const [apiPort = 0, postgresPort = 0, temporalPort = 0] = await freePorts(3);
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const logFile = (part: PartName) => path.join(home, 'logs', `${part}.log`);
  const masterKey = randomBytes(32);

  // Written safely: what is lost with a killed server would be a loss that is none of ours.
  const postgresOptions = { home, database: 'countersign', port: postgresPort, logFile: logFile('postgres'), watchdog };
  const startParts: Record<PartName, () => Part | Promise<Part>> = {
    postgres: () => again(POSTGRES_AGAIN_MS, () => startPostgres(postgresOptions)),
    temporal: () =>
      startTemporal({
        port: temporalPort,
        logFile: logFile('temporal'),
        dbFile: path.join(home, 'temporal', 'temporal.db'),
        watchdog,
      }),
    program: () => startProgram({ env, logFile: logFile('program'), watchdog, show: note }),
  };
  const warnings = fs.createWriteStream(path.join(home, 'warnings.log'));
  const note = (line: string) => void warnings.write(`${new Date().toISOString()} ${line}\n`);

  // A copy: the kept one goes when the sources change, and the program has to start again until the end.
  const bundle = path.join(home, 'workflow-bundle.js');
  const [postgresPart, kept] = await Promise.all([startPostgres(postgresOptions), keptWorkflowBundle()]);
  fs.copyFileSync(kept, bundle);
  const parts = new Map<PartName, Part>([['postgres', postgresPart]]);
  const direct = new URL(postgresPart.url);
  await migrate(direct.href);
  const database = new Pool({ connectionString: direct.href, max: 2 });
  database.on('error', () => undefined); // an idle connection of a server that was killed
  const rows = createTenantRows(createKeyring([{ id: 'k1', key: masterKey }]));
  const tenant = await createTenants(database, rows).create(`campaign-${randomUUID()}`);
  if (!tenant) throw new Error('the tenant is already there');

  const [postgres, temporal] = await Promise.all([startPostgresProxy(postgresPort), startH2cProxy(temporalPort)]);
  const through = new URL(direct);
  through.port = String(postgres.port);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    DATABASE_URL: through.href,
    TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}`,
    TEMPORAL_NAMESPACE,
    PORT: String(apiPort),
    COUNTERSIGN_MASTER_KEYS: `k1:${masterKey.toString('base64')}`,
    COUNTERSIGN_SIMULATOR: '1',
    COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '0',
    COUNTERSIGN_SHUTDOWN_GRACE_SECONDS: '1',
    COUNTERSIGN_WORKFLOW_BUNDLE: bundle,
  };

  const accidents: string[] = [];
  const killed = new Set<Part>();
  function guard(name: PartName, part: Part): void {
    parts.set(name, part);
    void part.ended.then((how) => {
      if (!killed.has(part)) accidents.push(`${name} ended by itself (${how}).${lastLines(part.logFile)}`);
    });
  }
  guard('postgres', postgresPart);

  async function restart(name: PartName): Promise<void> {
    guard(name, await startParts[name]());
    // It may have ended with the part that was killed, which it should not; that is noted, and the campaign goes on.
    if (parts.get('program')?.ending()) guard('program', await startParts.program());
    await whenReady(parts.get('program')!, SERVING_WITHIN_MS, () => allServes(apiUrl));
  }

  guard('temporal', await startParts.temporal());
  await restart('program');
  return {
    apiUrl,
    apiKey: tenant.apiKey,
    tenantId: tenant.tenant.id,
    signingKey: tenant.signingKey,
    home,
    database,
    temporal,
    postgres,
    restart,
    async kill(name) {
      const part = parts.get(name)!;
      killed.add(part);
      process.kill(part.pid, 'SIGKILL');
      await part.ended;
    },
    accidents: () => accidents,
    async close({ keepFiles }) {
      await database.end();
      for (const name of ['program', 'temporal', 'postgres'] as const) {
        const part = parts.get(name)!;
        killed.add(part);
        await part.stop(STOP_MS);
      }
      await Promise.all([postgres.close(), temporal.close()]);
      warnings.end();
      if (!keepFiles) watchdog.removeAtEnd(home);
      await watchdog.close();
    },
  };
}

/** True when the program answers and says that both servers are there. */
async function allServes(apiUrl: string): Promise<true | undefined> {
  try {
    const reply = await fetch(`${apiUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
    const { database, temporal } = (await reply.json()) as { database?: string; temporal?: string };
    return database === 'ok' && temporal === 'ok' ? true : undefined;
  } catch {
    return undefined; // not yet
  }
}

/** The processes of a killed PostgreSQL take a moment to notice; until then, no other may use its data. */
async function again<T>(withinMs: number, start: () => Promise<T>): Promise<T> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (Date.now() > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
