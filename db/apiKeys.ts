import type { Scope } from '../domain/scope';
import type { Keyring } from '../platform/keys/keyring';
import { TENANT_COLUMNS, toTenant } from './tenantRow';
import type { Tenant, TenantRow } from './tenantRow';
import type { Queryable, Tx } from './transaction';

/** Null: everything. */
export type Scopes = readonly Scope[] | null;

/** Whose key it is, and what it may do. */
export interface KeyHolder {
  tenant: Tenant;
  scopes: Scopes;
}

/** What is known of an API key; the key itself is not. */
export interface ApiKey {
  tenantName: string;
  hint: string;
  scopes: Scopes;
  createdAtMs: number;
  expiresAtMs: number | null;
  hasExpired: boolean;
  /** A day of UTC, `2026-11-24`; null: not since this is written down. */
  lastUsedOn: string | null;
  /** The master key that its MAC was made with; null: not known until it is used. */
  macKeyId: string | null;
}

interface Row {
  tenant_name: string;
  hint: string;
  scopes: Scope[] | null;
  created_at: Date;
  expires_at: Date | null;
  has_expired: boolean;
  last_used_on: string | null;
  mac_key_id: string | null;
}

const TODAY = `(clock_timestamp() at time zone 'UTC')::date`;
const IS_VALID = `(k.expires_at is null or k.expires_at > clock_timestamp())`;

const columns = `
  select t.name as tenant_name, k.hint, k.scopes, k.created_at, k.expires_at, not ${IS_VALID} as has_expired,
         k.last_used_on::text, k.mac_key_id
    from api_keys k join tenants t on t.id = k.tenant_id`;

const toApiKey = (row: Row): ApiKey => ({
  tenantName: row.tenant_name,
  hint: row.hint,
  scopes: row.scopes,
  createdAtMs: row.created_at.getTime(),
  expiresAtMs: row.expires_at?.getTime() ?? null,
  hasExpired: row.has_expired,
  lastUsedOn: row.last_used_on,
  macKeyId: row.mac_key_id,
});

/** API keys, kept as MACs. A MAC cannot be made again without the key, so it moves to a new master key when it is used. */
export function createApiKeyRows(keyring: Keyring) {
  const [currentKeyId] = keyring.keyIds;
  return {
    /** `lifetimeMs` null: it does not expire. */
    async insertApiKey(
      tx: Tx,
      key: { id: string; tenantId: string; secret: string; hint: string; scopes: Scopes; lifetimeMs: number | null },
    ): Promise<void> {
      await tx.query(
        `insert into api_keys (id, tenant_id, key_mac, hint, scopes, mac_key_id, expires_at)
         values ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7 * interval '1 millisecond')`,
        [
          key.id,
          key.tenantId,
          keyring.blindIndex('api-key', key.secret),
          key.hint,
          key.scopes,
          currentKeyId,
          key.lifetimeMs,
        ],
      );
    },

    /**
     * Lets the keys that a tenant has now, all or those with a hint, work for that much longer; answers how many. What
     * has expired stays as it is.
     */
    async expireApiKeys(tx: Queryable, tenantId: string, overlapMs: number, hint?: string): Promise<number> {
      const { rowCount } = await tx.query(
        `update api_keys k
            set expires_at = least(expires_at, clock_timestamp() + $2 * interval '1 millisecond')
          where tenant_id = $1 and ($3::text is null or hint = $3) and ${IS_VALID}`,
        [tenantId, overlapMs, hint ?? null],
      );
      return rowCount ?? 0;
    },

    /**
     * The tenant whose valid key this is, and what the key may do. Looked up by MAC: equality in the index says nothing
     * about the key. The first use of a day, and under a new master key, is written down.
     */
    async findByApiKey(db: Queryable, secret: string): Promise<KeyHolder | undefined> {
      const macs = keyring.blindIndexes('api-key', secret);
      const { rows } = await db.query<TenantRow & { key_id: string; scopes: Scope[] | null; is_noted: boolean }>(
        `select ${TENANT_COLUMNS}, k.id as key_id, k.scopes,
                coalesce(k.key_mac = $2 and k.mac_key_id = $3 and k.last_used_on = ${TODAY}, false) as is_noted
           from api_keys k join tenants t on t.id = k.tenant_id
          where k.key_mac = any($1) and ${IS_VALID}`,
        [macs, macs[0], currentKeyId],
      );
      const row = rows[0];
      if (!row) return undefined;
      if (!row.is_noted) {
        // Asked once more, under the lock: of many calls at once one writes.
        await db.query(
          `update api_keys set key_mac = $3, mac_key_id = $4, last_used_on = ${TODAY}
            where tenant_id = $1 and id = $2
              and (key_mac, mac_key_id, last_used_on) is distinct from ($3, $4, ${TODAY})`,
          [row.id, row.key_id, macs[0], currentKeyId],
        );
      }
      return { tenant: toTenant(row), scopes: row.scopes };
    },

    /** All keys of a tenant, oldest first; expired ones too. */
    async listApiKeys(db: Queryable, tenantId: string): Promise<ApiKey[]> {
      const { rows } = await db.query<Row>(`${columns} where k.tenant_id = $1 order by k.created_at, k.id`, [tenantId]);
      return rows.map(toApiKey);
    },

    /** The valid keys of all tenants whose MAC was not made with the current master key, or may not have been. */
    async listApiKeysLeftBehind(db: Queryable): Promise<ApiKey[]> {
      const { rows } = await db.query<Row>(
        `${columns} where k.mac_key_id is distinct from $1 and ${IS_VALID} order by t.name, k.created_at, k.id`,
        [currentKeyId],
      );
      return rows.map(toApiKey);
    },
  };
}
