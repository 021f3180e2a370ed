import type { Keyring } from '../platform/keys/keyring';
import type { Queryable, Tx } from './transaction';

export interface Tenant {
  id: string;
  name: string;
  createdAtMs: number;
}

/** In seconds. */
export interface OnboardingDefaults {
  deadlineSeconds: number;
  reminderSeconds: number;
}

const toTenant = (row: { id: string; name: string; created_at: Date }): Tenant => ({
  id: row.id,
  name: row.name,
  createdAtMs: row.created_at.getTime(),
});

/** Tenants, their API keys (kept as MACs) and the keys that sign their callbacks (sealed). */
export function createTenantRows(keyring: Keyring) {
  return {
    async insert(tx: Tx, tenant: { id: string; name: string; signingKey: string }): Promise<boolean> {
      const { rowCount } = await tx.query(
        `with tenant as (
           insert into tenants (id, name, signing_key) values ($1, $2, $3) on conflict (name) do nothing returning id
         ) insert into event_counters (tenant_id) select id from tenant`,
        [tenant.id, tenant.name, keyring.encrypt('tenant-signing-key', tenant.signingKey, tenant.id)],
      );
      return rowCount === 1;
    },

    async list(db: Queryable): Promise<Tenant[]> {
      const { rows } = await db.query<{ id: string; name: string; created_at: Date }>(
        `select id, name, created_at from tenants order by created_at, id`,
      );
      return rows.map(toTenant);
    },

    async findByName(db: Queryable, name: string): Promise<Tenant | undefined> {
      const { rows } = await db.query<{ id: string; name: string; created_at: Date }>(
        `select id, name, created_at from tenants where name = $1`,
        [name],
      );
      return rows[0] && toTenant(rows[0]);
    },

    async find(db: Queryable, id: string): Promise<Tenant | undefined> {
      const { rows } = await db.query<{ id: string; name: string; created_at: Date }>(
        `select id, name, created_at from tenants where id = $1`,
        [id],
      );
      return rows[0] && toTenant(rows[0]);
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

    async insertApiKey(tx: Tx, key: { id: string; tenantId: string; secret: string; hint: string }): Promise<void> {
      await tx.query(`insert into api_keys (id, tenant_id, key_mac, hint) values ($1, $2, $3, $4)`, [
        key.id,
        key.tenantId,
        keyring.blindIndex('api-key', key.secret),
        key.hint,
      ]);
    },

    /** Lets the keys that a tenant has now work for that much longer. */
    async expireApiKeys(tx: Tx, tenantId: string, overlapMs: number): Promise<void> {
      await tx.query(
        `update api_keys
            set expires_at = least(expires_at, clock_timestamp() + $2 * interval '1 millisecond')
          where tenant_id = $1`,
        [tenantId, overlapMs],
      );
    },

    /** The tenant whose valid key this is. Looked up by MAC: equality in the index says nothing about the key. */
    async findByApiKey(db: Queryable, secret: string): Promise<Tenant | undefined> {
      const { rows } = await db.query<{ id: string; name: string; created_at: Date }>(
        `select t.id, t.name, t.created_at
           from api_keys k join tenants t on t.id = k.tenant_id
          where k.key_mac = any($1) and (k.expires_at is null or k.expires_at > clock_timestamp())`,
        [keyring.blindIndexes('api-key', secret)],
      );
      return rows[0] && toTenant(rows[0]);
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
