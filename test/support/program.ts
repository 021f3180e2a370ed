import { randomBytes } from 'node:crypto';
import pino from 'pino';
import { loadConfig } from '../../platform/config';
import type { Config } from '../../platform/config';
import { installRuntime } from '../../platform/temporal/runtime';
import { createKeyring } from '../../platform/keys/keyring';
import { createPool } from '../../db/transaction';
import { createTenantRows } from '../../db/tenants';
import { createTenants } from '../../services/tenants';
import { startProgram } from '../../program';
import type { Substitutes } from '../../program';
import { createLogger } from '../../platform/telemetry/logger';
import { keptWorkflowBundle } from '../../stack/workflowBundle';
import { createTestDatabase } from './database';

export interface TestTenant {
  id: string;
  apiKey: string;
  signingKey: string;
  authyApiKey: string;
}

export interface TestProgram {
  url: string;
  config: Config;
  tenant: TestTenant;
  /** Direct access to the rows. */
  pool: ReturnType<typeof createPool>;
  /** Every line that the program logged. */
  logs: string[];
  /** A call of the tenant's back end; `as: null` sends no key. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  addTenant(name: string): Promise<TestTenant>;
  close(): Promise<void>;
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // Tests look into replies of every shape.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export interface TestProgramOptions extends Substitutes {
  /** Set to something that nobody listens on, to run without Temporal. */
  temporalAddress?: string;
  databaseUrl?: string;
  /** Puts something between the program and its database: gets its address, answers the one to use. */
  through?: (databaseUrl: string) => Promise<string>;
  env?: Record<string, string>;
}

/** Calls a program as the back end of a tenant. */
export const callerOf =
  (url: string, apiKey: string, send: typeof fetch = fetch): TestProgram['call'] =>
  async (method, path, body, headers = {}) => {
    const response = await send(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = undefined;
    }
    return { status: response.status, headers: response.headers, text, body: parsed };
  };

/** The whole program in this process, on a database of its own and the real servers of the test run. */
export async function startTestProgram(options: TestProgramOptions = {}): Promise<TestProgram> {
  const database = await createTestDatabase();
  const name = `test-${randomBytes(5).toString('hex')}`;
  const config = loadConfig({
    DATABASE_URL: options.through ? await options.through(database.url) : (options.databaseUrl ?? database.url),
    TEMPORAL_ADDRESS: options.temporalAddress ?? process.env['TEMPORAL_ADDRESS'],
    TEMPORAL_NAMESPACE: process.env['TEMPORAL_NAMESPACE'],
    PORT: '0',
    COUNTERSIGN_MASTER_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    COUNTERSIGN_SIMULATOR: '1',
    COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '0',
    COUNTERSIGN_SHUTDOWN_GRACE_SECONDS: '1',
    COUNTERSIGN_TASK_QUEUE_PREFIX: name,
    COUNTERSIGN_LOG_LEVEL: 'debug',
    COUNTERSIGN_WORKFLOW_BUNDLE: await keptWorkflowBundle(), // bundling takes seconds, for every file of tests
    ...options.env,
  });
  const logs: string[] = [];
  const logger = createLogger({
    level: config.logLevel,
    destination: { write: (line: string) => void logs.push(line) },
  });
  installRuntime(pino({ level: 'silent' }));
  const pool = createPool(database.url, { size: 5 });
  const tenants = createTenants(pool, createTenantRows(createKeyring(config.masterKeys)));
  const addTenant = async (tenantName: string) => {
    const made = (await tenants.create(tenantName))!;
    const { apiKey, signingKey, authyApiKey } = made;
    return { id: made.tenant.id, apiKey, signingKey, authyApiKey };
  };
  const tenant = await addTenant(name);
  const program = await startProgram(config, logger, options);
  if (!options.temporalAddress) await program.working;
  const url = program.url;

  return {
    url,
    config,
    tenant,
    pool,
    logs,
    addTenant,
    call: callerOf(url, tenant.apiKey),
    async close() {
      await program.close();
      await pool.end();
      await database.drop();
    },
  };
}
