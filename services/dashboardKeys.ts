import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { AccessKey, ApplicationKeys, DashboardKeyRows } from '../db/dashboardKeys';
import type { Tenant } from '../db/tenants';
import { inTransaction } from '../db/transaction';
import { mintAuthyApiKey } from '../platform/keys/apiKey';
import { constantTimeEqual } from '../platform/keys/secret';

export interface DashboardKeys extends ApplicationKeys {
  /** The oldest one. */
  accessKey: string;
}

/** The keys of the dashboard API: who calls, in whose name, and what signs the call. */
export function createDashboardKeys(pool: Pool, rows: DashboardKeyRows) {
  return {
    /** The keys of a tenant; what it does not have yet is made now. */
    ensureDashboardKeys: (tenantId: string): Promise<DashboardKeys> =>
      inTransaction(pool, async (tx) => {
        await rows.lockTenant(tx, tenantId);
        const fresh = { appApiKey: mintAuthyApiKey(), apiSigningKey: mintAuthyApiKey() };
        await rows.insertApplicationKeys(tx, tenantId, fresh);
        if ((await rows.listAccessKeys(tx, tenantId)).length === 0) {
          await rows.insertAccessKey(tx, { id: randomUUID(), tenantId, key: mintAuthyApiKey() });
        }
        const [oldest] = await rows.listAccessKeys(tx, tenantId);
        return { ...(await rows.readApplicationKeys(tx, tenantId))!, accessKey: oldest!.key };
      }),

    /** The tenant with this app API key, its access keys, and the key that signs its calls. */
    async findByAppApiKey(
      appApiKey: string,
    ): Promise<{ tenant: Tenant; apiSigningKey: string; accessKeys: AccessKey[] } | undefined> {
      const tenant = await rows.findByAppApiKey(pool, appApiKey);
      const keys = tenant && (await rows.readApplicationKeys(pool, tenant.id));
      if (!keys) return undefined;
      return { tenant, apiSigningKey: keys.apiSigningKey, accessKeys: await rows.listAccessKeys(pool, tenant.id) };
    },

    /** Whether this is one of those access keys; each is compared, in constant time. */
    holdsAccessKey: (accessKeys: readonly AccessKey[], given: string): boolean =>
      accessKeys.filter(({ key }) => constantTimeEqual(key, given)).length > 0,
  };
}
