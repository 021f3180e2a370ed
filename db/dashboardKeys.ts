import type { Keyring } from '../platform/keys/keyring';
import { TENANT_COLUMNS, toTenant } from './tenantRow';
import type { Tenant, TenantRow } from './tenantRow';
import type { Queryable } from './transaction';

/** What a tenant's calls of the dashboard API name it by, and what signs them. */
export interface ApplicationKeys {
  appApiKey: string;
  apiSigningKey: string;
}

export interface AccessKey {
  id: string;
  key: string;
  createdAtMs: number;
}

/** The keys of the dashboard API of the Authy dialect, all of them sealed. */
export function createDashboardKeyRows(keyring: Keyring) {
  const open = (purpose: string, sealed: Buffer, id: string) => keyring.decrypt(purpose, sealed, id).toString('utf8');

  return {
    /** Gives a tenant these keys unless it has some. */
    async insertApplicationKeys(db: Queryable, tenantId: string, keys: ApplicationKeys): Promise<void> {
      await db.query(
        `update tenants set app_api_key = $2, app_api_key_index = $3, api_signing_key = $4
          where id = $1 and app_api_key is null`,
        [
          tenantId,
          keyring.encrypt('tenant-app-api-key', keys.appApiKey, tenantId),
          keyring.blindIndex('app-api-key', keys.appApiKey),
          keyring.encrypt('tenant-api-signing-key', keys.apiSigningKey, tenantId),
        ],
      );
    },

    async readApplicationKeys(db: Queryable, tenantId: string): Promise<ApplicationKeys | undefined> {
      const { rows } = await db.query<{ app_api_key: Buffer | null; api_signing_key: Buffer }>(
        `select app_api_key, api_signing_key from tenants where id = $1`,
        [tenantId],
      );
      const [row] = rows;
      if (!row?.app_api_key) return undefined;
      return {
        appApiKey: open('tenant-app-api-key', row.app_api_key, tenantId),
        apiSigningKey: open('tenant-api-signing-key', row.api_signing_key, tenantId),
      };
    },

    /** By every key of the ring, in the index: neither the time nor the work says anything about the key. */
    async findByAppApiKey(db: Queryable, key: string): Promise<Tenant | undefined> {
      const { rows } = await db.query<TenantRow>(
        `select ${TENANT_COLUMNS} from tenants t where t.app_api_key_index = any($1)`,
        [keyring.blindIndexes('app-api-key', key)],
      );
      return rows[0] && toTenant(rows[0]);
    },

    async insertAccessKey(db: Queryable, { id, tenantId, key }: { id: string; tenantId: string; key: string }) {
      await db.query(`insert into access_keys (id, tenant_id, key) values ($1, $2, $3)`, [
        id,
        tenantId,
        keyring.encrypt('access-key', key, id),
      ]);
    },

    /** Oldest first. */
    async listAccessKeys(db: Queryable, tenantId: string): Promise<AccessKey[]> {
      const { rows } = await db.query<{ id: string; key: Buffer; created_at: Date }>(
        `select id, key, created_at from access_keys where tenant_id = $1 order by created_at, id`,
        [tenantId],
      );
      return rows.map(({ id, key, created_at: createdAt }) => ({
        id,
        key: open('access-key', key, id),
        createdAtMs: createdAt.getTime(),
      }));
    },

    /** Holds a tenant against whoever else would give it keys. */
    async lockTenant(db: Queryable, tenantId: string): Promise<void> {
      await db.query(`select from tenants where id = $1 for no key update`, [tenantId]);
    },
  };
}
export type DashboardKeyRows = ReturnType<typeof createDashboardKeyRows>;
