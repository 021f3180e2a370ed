import type { Method } from '../domain/method';
import type { Queryable, Tx } from './transaction';

export interface EnabledMethod {
  method: Method;
  enabledAtMs: number;
}

/** The ways in which users can be asked for a second factor. */
export function createMethodRows() {
  return {
    /** Oldest first. */
    async list(db: Queryable, tenantId: string, userId: string): Promise<EnabledMethod[]> {
      const { rows } = await db.query<{ method: Method; enabled_at: Date }>(
        `select method, enabled_at from user_methods where tenant_id = $1 and user_id = $2 order by enabled_at, method`,
        [tenantId, userId],
      );
      return rows.map((row) => ({ method: row.method, enabledAtMs: row.enabled_at.getTime() }));
    },

    /** True if the user did not have it. */
    async insert(tx: Tx, tenantId: string, userId: string, method: Method): Promise<boolean> {
      const { rowCount } = await tx.query(
        `insert into user_methods (tenant_id, user_id, method) values ($1, $2, $3)
         on conflict on constraint user_methods_once do nothing`,
        [tenantId, userId, method],
      );
      return rowCount === 1;
    },

    /** One of them, or all; true if there was one. */
    async remove(tx: Tx, tenantId: string, userId: string, method?: Method): Promise<boolean> {
      const { rowCount } = await tx.query(
        `delete from user_methods where tenant_id = $1 and user_id = $2 and ($3::text is null or method = $3)`,
        [tenantId, userId, method ?? null],
      );
      return (rowCount ?? 0) > 0;
    },
  };
}
export type MethodRows = ReturnType<typeof createMethodRows>;
