import type { Pool } from 'pg';
import type { Branding, BrandingRows } from '../db/brandings';
import type { AccessKey } from '../db/dashboardKeys';
import type { Tenant, TenantRows } from '../db/tenants';
import { constantTimeEqual } from '../platform/keys/secret';
import type { DashboardKeys } from './dashboardKeys';
import type { Tenants } from './tenants';

export interface ApplicationDeps {
  pool: Pool;
  tenants: Pick<TenantRows, 'rename' | 'listAccessKeys'>;
  brandings: BrandingRows;
  keys: Pick<Tenants, 'create' | 'ensureDashboardKeys'>;
  integrationApiKey: string | undefined;
}

/** A tenant that a call made, with all of its keys: they are told this once. */
export interface NewApplication extends DashboardKeys {
  tenant: Tenant;
  apiKey: string;
  authyApiKey: string;
}

/** What a back end may change of its own tenant: its name, and how it looks. And who makes one. */
export function createApplications({ pool, tenants, brandings, keys, integrationApiKey }: ApplicationDeps) {
  return {
    /** Whether somebody with this key may make tenants. */
    mayCreate: (givenKey: string): boolean =>
      integrationApiKey !== undefined && constantTimeEqual(integrationApiKey, givenKey),

    /** Undefined when the name belongs to a tenant. */
    async create(name: string): Promise<NewApplication | undefined> {
      const made = await keys.create(name);
      return made && { ...made, ...(await keys.ensureDashboardKeys(made.tenant.id)) };
    },

    /** False when the name belongs to another tenant. */
    rename: (tenantId: string, name: string): Promise<boolean> => tenants.rename(pool, tenantId, name),

    /** Oldest first. */
    listAccessKeys: (tenantId: string): Promise<AccessKey[]> => tenants.listAccessKeys(pool, tenantId),

    findBranding: (tenantId: string): Promise<Branding> => brandings.find(pool, tenantId),

    /** Changes what is given. */
    setBranding: (tenantId: string, change: Partial<Branding>): Promise<Branding> =>
      brandings.set(pool, tenantId, change),
  };
}
export type Applications = ReturnType<typeof createApplications>;
