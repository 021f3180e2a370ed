import type { Tenant } from '../db/tenants';
import { createTenantRows } from '../db/tenants';
import { createPool } from '../db/transaction';
import { createKeyring } from '../platform/keys/keyring';
import { createTenants } from '../services/tenants';
import type { Tenants } from '../services/tenants';
import { loadCommandConfig } from './environment';
import { Failure } from './failure';

/** Runs a command on the tenants of the database that the environment names, or that of the running stack. */
export async function withTenants(work: (tenants: Tenants) => Promise<void>): Promise<void> {
  const { databaseUrl, masterKeys } = loadCommandConfig();
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
