import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { migrate } from '../../db/migrate';
import { createTenantRows } from '../../db/tenants';
import { createPool } from '../../db/transaction';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { startMain } from '../operating/mainProcess';
import type { MainProcess } from '../operating/mainProcess';
import { startCluster } from './cluster';
import type { Cluster } from './cluster';
import { generateMillions } from './millions';

export interface Keys {
  masterKey: string;
  /** The first one is the large one. */
  tenants: { id: string; apiKey: string; authyApiKey: string }[];
  generatedInSeconds: number;
}

export interface World {
  cluster: Cluster;
  keys: Keys;
}

/** The server with its tenants and events; those of a home that was kept are used again. */
export async function createWorld(
  size: { events: number; tenants: number; usersPerTenant: number },
  home: string | undefined,
  say: (line: string) => void,
): Promise<World> {
  const cluster = await startCluster(home);
  const kept = home && path.join(home, 'keys.json');
  await migrate(cluster.url);
  if (kept && fs.existsSync(kept)) {
    return { cluster, keys: JSON.parse(fs.readFileSync(kept, 'utf8')) as Keys };
  }
  const key = randomBytes(32);
  const pool = createPool(cluster.url, { size: 2 });
  const services = createTenants(pool, createTenantRows(createKeyring([{ id: 'k1', key }])));
  const tenants: Keys['tenants'] = [];
  for (let i = 0; i < size.tenants; i += 1) {
    const { tenant, apiKey, authyApiKey } = (await services.create(`tenant ${i}`))!;
    tenants.push({ id: tenant.id, apiKey, authyApiKey });
  }
  await pool.end();
  const startedMs = performance.now();
  const ids = tenants.map(({ id }) => id);
  await generateMillions(cluster.url, ids, { ...size, until: new Date() }, say);
  const generatedInSeconds = Math.round((performance.now() - startedMs) / 1_000);
  const keys = { masterKey: key.toString('base64'), tenants, generatedInSeconds };
  if (kept) fs.writeFileSync(kept, JSON.stringify(keys), { mode: 0o600 });
  return { cluster, keys };
}

/** The program in a process of its own, with the API alone. */
export function startProgram({ cluster, keys }: Pick<World, 'cluster' | 'keys'>): MainProcess {
  return startMain({
    DATABASE_URL: cluster.url,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    PORT: '0',
    COUNTERSIGN_ROLES: 'api',
    COUNTERSIGN_MASTER_KEYS: `k1:${keys.masterKey}`,
    COUNTERSIGN_SIMULATOR: '1',
    COUNTERSIGN_LOG_LEVEL: 'info',
    COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '0',
  });
}
