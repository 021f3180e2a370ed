import type { Tenant } from '../db/tenants';
import { createTenantRows } from '../db/tenants';
import { createPool } from '../db/transaction';
import { loadConfig } from '../platform/config';
import { createKeyring } from '../platform/keys/keyring';
import { createTenants } from '../services/tenants';
import type { Tenants } from '../services/tenants';
import { Failure } from './failure';

/** Runs a command on the tenants of DATABASE_URL, with the keys of COUNTERSIGN_MASTER_KEYS. */
export async function withTenants(work: (tenants: Tenants) => Promise<void>): Promise<void> {
  const { databaseUrl, masterKeys } = loadConfig(process.env);
  const pool = createPool(databaseUrl, { size: 1 });
  try {
    await work(createTenants(pool, createTenantRows(createKeyring(masterKeys))));
  } finally {
    await pool.end();
  }
}

/** The same for one tenant. @throws Failure where there is none of that name */
export const withTenant = (name: string, work: (tenant: Tenant, tenants: Tenants) => Promise<void>): Promise<void> =>
  withTenants(async (tenants) => {
    const known = await tenants.findByName(name);
    if (!known) throw new Failure(`There is no tenant named ${name}; see: tenant list`);
    await work(known, tenants);
  });
