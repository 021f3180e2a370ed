import type { CallbackMethod } from '../domain/oneTouch';
import type { Keyring } from '../platform/keys/keyring';
import type { Queryable } from './transaction';

/** How the approvals of a tenant that are asked for in the Authy dialect are called back. */
export interface AuthyCallback {
  url: string | null;
  method: CallbackMethod;
}

/** Where tenants are called back in the Authy dialect. URLs are sealed. */
export const createAuthyCallbackRows = (keyring: Keyring) => ({
  async readAuthyCallback(db: Queryable, tenantId: string): Promise<AuthyCallback> {
    const { rows } = await db.query<{ authy_callback_url: Buffer | null; authy_callback_method: CallbackMethod }>(
      `select authy_callback_url, authy_callback_method from tenants where id = $1`,
      [tenantId],
    );
    const { authy_callback_url: sealed, authy_callback_method: method } = rows[0]!;
    return {
      url: sealed && keyring.decrypt('tenant-authy-callback', sealed, tenantId).toString('utf8'),
      method,
    };
  },

  /** Changes those that are given. */
  async setAuthyCallback(db: Queryable, tenantId: string, { url, method }: Partial<AuthyCallback>): Promise<void> {
    await db.query(
      `update tenants
            set authy_callback_url = case when $2 then $3 else authy_callback_url end,
                authy_callback_method = coalesce($4, authy_callback_method)
          where id = $1`,
      [
        tenantId,
        url !== undefined,
        url == null ? null : keyring.encrypt('tenant-authy-callback', url, tenantId),
        method ?? null,
      ],
    );
  },
});
