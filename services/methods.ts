import type { Pool } from 'pg';
import { recordEvents } from '../db/events';
import type { EnabledMethod, MethodRows } from '../db/methods';
import type { TotpRows } from '../db/totp';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { UserRows } from '../db/users';
import { DomainError } from '../domain/errors';
import type { Method } from '../domain/method';

export interface MethodDeps {
  pool: Pool;
  methods: MethodRows;
  totp: Pick<TotpRows, 'remove'>;
  users: Pick<UserRows, 'find' | 'lock'>;
}

/** The ways in which a user can be asked for a second factor. */
export function createMethods({ pool, methods, totp, users }: MethodDeps) {
  return {
    /** Within the caller's transaction, which holds the user and records `method_enabled` where this answers true: it is new. */
    enable: (tx: Tx, tenantId: string, userId: string, method: Method): Promise<boolean> =>
      methods.insert(tx, tenantId, userId, method),

    /** Oldest first. @throws user_not_found */
    async list(tenantId: string, userId: string): Promise<EnabledMethod[]> {
      if (!(await users.find(pool, tenantId, userId))) throw new DomainError('user_not_found');
      return methods.list(pool, tenantId, userId);
    },

    /** With TOTP goes its secret. @throws user_not_found, method_not_enabled */
    remove: (tenantId: string, userId: string, method: Method): Promise<void> =>
      inTransaction(pool, async (tx) => {
        if (!(await users.lock(tx, tenantId, userId))) throw new DomainError('user_not_found');
        if (!(await methods.remove(tx, tenantId, userId, method))) throw new DomainError('method_not_enabled');
        if (method === 'totp') await totp.remove(tx, tenantId, userId);
        await recordEvents(tx, tenantId, [{ type: 'method_removed', userId, data: { method } }]);
      }),
  };
}
export type Methods = ReturnType<typeof createMethods>;
