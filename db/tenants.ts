import type { Switches } from '../domain/switches';
import type { Keyring } from '../platform/keys/keyring';
import { createApiKeyRows } from './apiKeys';
import { createAuthyCallbackRows } from './authyCallbacks';
import { createDashboardKeyRows } from './dashboardKeys';
import { createSendLimitRows } from './sendLimits';
import { TENANT_COLUMNS, toTenant } from './tenantRow';
import type { Tenant, TenantRow } from './tenantRow';
import type { Queryable, Tx } from './transaction';
import { violated } from './violations';

export type { Tenant } from './tenantRow';

/** In seconds. */
export interface OnboardingDefaults {
  deadlineSeconds: number;
  reminderSeconds: number;
}

/** Tenants, their API keys (kept as MACs) and the keys that sign for them (sealed). */
export function createTenantRows(keyring: Keyring) {
  const sealAuthyKey = (key: string, id: string) => keyring.encrypt('tenant-authy-api-key', key, id);
  const indexAuthyKey = (key: string) => keyring.blindIndex('authy-api-key', key);

  async function one(db: Queryable, where: string, values: unknown[]): Promise<Tenant | undefined> {
    const { rows } = await db.query<TenantRow>(`select ${TENANT_COLUMNS} from tenants t where ${where}`, values);
    return rows[0] && toTenant(rows[0]);
  }

  return {
    ...createApiKeyRows(keyring),
    ...createAuthyCallbackRows(keyring),
    ...createDashboardKeyRows(keyring),
    ...createSendLimitRows(),

    /** False when the name, or the Authy API key, belongs to a tenant already. */
    async insert(
      tx: Tx,
      tenant: { id: string; name: string; signingKey: string; authyApiKey: string },
    ): Promise<boolean> {
      const { rowCount } = await tx.query(
        `with tenant as (
           insert into tenants (id, name, signing_key, authy_api_key, authy_api_key_index) values ($1, $2, $3, $4, $5)
           on conflict do nothing returning id
         ) insert into event_counters (tenant_id) select id from tenant`,
        [
          tenant.id,
          tenant.name,
          keyring.encrypt('tenant-signing-key', tenant.signingKey, tenant.id),
          sealAuthyKey(tenant.authyApiKey, tenant.id),
          indexAuthyKey(tenant.authyApiKey),
        ],
      );
      return rowCount === 1;
    },

    async list(db: Queryable): Promise<Tenant[]> {
      const { rows } = await db.query<TenantRow>(`select ${TENANT_COLUMNS} from tenants t order by created_at, id`);
      return rows.map(toTenant);
    },

    findByName: (db: Queryable, name: string) => one(db, 'name = $1', [name]),

    find: (db: Queryable, id: string) => one(db, 'id = $1', [id]),

    /** By every key of the ring, in the index: neither the time nor the work says anything about the key. */
    findByAuthyApiKey: (db: Queryable, key: string) =>
      one(db, 'authy_api_key_index = any($1)', [keyring.blindIndexes('authy-api-key', key)]),

    findByAuthyAppId: (db: Queryable, appId: number) => one(db, 'authy_app_id = $1', [appId]),

    /** Gives a tenant another Authy API key; false when it is another tenant's. */
    async setAuthyApiKey(db: Queryable, tenantId: string, key: string): Promise<boolean> {
      try {
        // The constraint sees only keys that were indexed under the same master key.
        const { rowCount } = await db.query(
          `update tenants set authy_api_key = $2, authy_api_key_index = $3
            where id = $1 and not exists (select from tenants other
                                           where other.authy_api_key_index = any($4) and other.id <> $1)`,
          [tenantId, sealAuthyKey(key, tenantId), indexAuthyKey(key), keyring.blindIndexes('authy-api-key', key)],
        );
        return rowCount === 1;
      } catch (error) {
        if (violated(error) !== undefined) return false;
        throw error;
      }
    },

    /** Undefined for a tenant from before there were Authy API keys. */
    async readAuthyApiKey(db: Queryable, tenantId: string): Promise<string | undefined> {
      const { rows } = await db.query<{ authy_api_key: Buffer | null }>(
        `select authy_api_key from tenants where id = $1`,
        [tenantId],
      );
      const sealed = rows[0]?.authy_api_key;
      return sealed ? keyring.decrypt('tenant-authy-api-key', sealed, tenantId).toString('utf8') : undefined;
    },

    /** How long an onboarding of a tenant lasts and when it reminds, in seconds, where a call does not say so. */
    async readOnboardingDefaults(db: Queryable, id: string): Promise<OnboardingDefaults> {
      const { rows } = await db.query<{ onboarding_seconds: number; reminder_seconds: number }>(
        `select onboarding_seconds, reminder_seconds from tenants where id = $1`,
        [id],
      );
      return { deadlineSeconds: rows[0]!.onboarding_seconds, reminderSeconds: rows[0]!.reminder_seconds };
    },

    /** Changes those that are given. */
    async setOnboardingDefaults(db: Queryable, id: string, defaults: Partial<OnboardingDefaults>): Promise<void> {
      await db.query(
        `update tenants
            set onboarding_seconds = coalesce($2, onboarding_seconds), reminder_seconds = coalesce($3, reminder_seconds)
          where id = $1`,
        [id, defaults.deadlineSeconds ?? null, defaults.reminderSeconds ?? null],
      );
    },

    /** False when the name belongs to another tenant. */
    async rename(db: Queryable, id: string, name: string): Promise<boolean> {
      try {
        const { rowCount } = await db.query(`update tenants set name = $2 where id = $1`, [id, name]);
        return rowCount === 1;
      } catch (error) {
        if (violated(error) !== undefined) return false;
        throw error;
      }
    },

    /** Changes those that are given. */
    async setSwitches(db: Queryable, id: string, switches: Partial<Switches>): Promise<void> {
      await db.query(`update tenants set switches = switches || $2 where id = $1`, [id, switches]);
    },

    async setMostUnapproved(db: Queryable, id: string, most: number): Promise<void> {
      await db.query(`update tenants set most_unapproved = $2 where id = $1`, [id, most]);
    },

    /** The key that signs a tenant's callbacks, as `whsec_…`. */
    async readSigningKey(db: Queryable, tenantId: string): Promise<string> {
      const { rows } = await db.query<{ signing_key: Buffer }>(`select signing_key from tenants where id = $1`, [
        tenantId,
      ]);
      return keyring.decrypt('tenant-signing-key', rows[0]!.signing_key, tenantId).toString('utf8');
    },
  };
}
export type TenantRows = ReturnType<typeof createTenantRows>;
