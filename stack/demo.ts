import fs from 'node:fs';
import { createTenantRows } from '../db/tenants';
import { createPool } from '../db/transaction';
import type { MasterKey } from '../platform/config';
import { mintAuthyApiKey } from '../platform/keys/apiKey';
import { createKeyring, UnsealError } from '../platform/keys/keyring';
import { createTenants } from '../services/tenants';
import type { Tenants } from '../services/tenants';
import { StackError } from './errors';
import { writePrivately } from './home';
import type { Home } from './home';

const NAME = 'demo';
/** Another home on the same database keeps its key. */
const OVERLAP_MS = 365 * 86_400_000;

export interface Demo {
  tenantId: string;
  apiKey: string;
  signingKey: string;
  authyApiKey: string;
  appApiKey: string;
  accessKey: string;
  apiSigningKey: string;
}

export interface DemoOptions {
  home: Home;
  databaseUrl: string;
  masterKeys: readonly MasterKey[];
}

/** The tenant `demo` and its keys: made at the first start, the same ones at every further start. */
export async function ensureDemo({ home, databaseUrl, masterKeys }: DemoOptions): Promise<Demo> {
  const pool = createPool(databaseUrl, { size: 1 });
  try {
    const tenants = createTenants(pool, createTenantRows(createKeyring(masterKeys)));
    const { tenantId, apiKey } = await keepApiKey(home.file('demo.json'), tenants);
    const signingKey = await tenants.readSigningKey(tenantId);
    const authyApiKey = await keepAuthyApiKey(tenantId, tenants);
    return { tenantId, apiKey, signingKey, authyApiKey, ...(await tenants.ensureDashboardKeys(tenantId)) };
  } catch (error) {
    if (!(error instanceof UnsealError)) throw error;
    throw new StackError(
      `The database was filled with other master keys than those of ${home.folder}: use the home that belongs to it, or an empty database.`,
    );
  } finally {
    await pool.end();
  }
}

async function keepApiKey(file: string, tenants: Tenants): Promise<Pick<Demo, 'tenantId' | 'apiKey'>> {
  const kept = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as { apiKey: string }) : undefined;
  const known = kept && (await tenants.authenticate(kept.apiKey));
  if (known) return { tenantId: known.tenant.id, apiKey: kept.apiKey };
  const created = await tenants.create(NAME);
  const tenant = created?.tenant ?? (await tenants.findByName(NAME));
  if (!tenant) throw new Error(`tenant ${NAME} is neither new nor there`);
  const apiKey = created?.apiKey ?? (await tenants.rotateKey(tenant.id, OVERLAP_MS));
  writePrivately(file, JSON.stringify({ apiKey }));
  return { tenantId: tenant.id, apiKey };
}

/** A home from before there were Authy API keys gets one. */
async function keepAuthyApiKey(tenantId: string, tenants: Tenants): Promise<string> {
  const kept = await tenants.readAuthyApiKey(tenantId);
  if (kept !== undefined) return kept;
  const minted = mintAuthyApiKey();
  await tenants.setAuthyApiKey(tenantId, minted);
  return minted;
}

/** The user `demo`, asked for at the API as any backend would. */
export async function ensureDemoUser(apiUrl: string, apiKey: string): Promise<string> {
  const response = await fetch(`${apiUrl}/v1/users`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': 'demo-user',
    },
    body: JSON.stringify({ externalId: NAME }),
    signal: AbortSignal.timeout(10_000),
  });
  const user = (await response.json()) as { id?: string; code?: string };
  if (user.id === undefined) throw new Error(`the demo user could not be made: ${response.status} ${user.code ?? ''}`);
  return user.id;
}
