import type { Pool } from 'pg';
import type { Branding, BrandingRows } from '../db/brandings';
import type { AccessKey } from '../db/dashboardKeys';
import type { TenantRows } from '../db/tenants';

export interface ApplicationDeps {
  pool: Pool;
  tenants: Pick<TenantRows, 'rename' | 'listAccessKeys'>;
  brandings: BrandingRows;
}

/** What a back end may change of its own tenant: its name, and how it looks. */
export function createApplications({ pool, tenants, brandings }: ApplicationDeps) {
  return {
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
