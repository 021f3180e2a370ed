import type { Keyring } from '../platform/keys/keyring';
import type { Queryable, Tx } from './transaction';

export interface TotpSecret {
  /** Another with each new secret. */
  id: string;
  tenantId: string;
  userId: string;
  secret: Buffer;
  lastStep: number;
  isConfirmed: boolean;
  /** The database's clock when this was read, in ms. */
  readAtMs: number;
}

/** One secret a user, sealed. */
export function createTotpRows(keyring: Keyring) {
  return {
    async find(db: Queryable, tenantId: string, userId: string): Promise<TotpSecret | undefined> {
      const { rows } = await db.query<{
        id: string;
        secret: Buffer;
        last_step: string;
        confirmed_at: Date | null;
        read_at: Date;
      }>(`select *, clock_timestamp() as read_at from totp_secrets where tenant_id = $1 and user_id = $2`, [
        tenantId,
        userId,
      ]);
      const row = rows[0];
      return (
        row && {
          id: row.id,
          tenantId,
          userId,
          secret: keyring.decrypt('totp', row.secret, userId),
          lastStep: Number(row.last_step),
          isConfirmed: row.confirmed_at !== null,
          readAtMs: row.read_at.getTime(),
        }
      );
    },

    /** In place of one that was never confirmed; false when there is a confirmed one. */
    async insert(tx: Tx, secret: Pick<TotpSecret, 'id' | 'tenantId' | 'userId' | 'secret'>): Promise<boolean> {
      const { id, tenantId, userId } = secret;
      const { rowCount } = await tx.query(
        `insert into totp_secrets as kept (id, tenant_id, user_id, secret) values ($1, $2, $3, $4)
         on conflict on constraint totp_secrets_one_a_user do update
            set id = excluded.id, secret = excluded.secret, last_step = 0, created_at = excluded.created_at
          where kept.confirmed_at is null`,
        [id, tenantId, userId, keyring.encrypt('totp', secret.secret, userId)],
      );
      return rowCount === 1;
    },

    /**
     * Takes a step, and confirms the secret, in one statement: of any number at once, one gets it. False when this step
     * or a later one was taken already, or the secret was replaced.
     */
    async takeStep(tx: Tx, { tenantId, id }: Pick<TotpSecret, 'tenantId' | 'id'>, step: number): Promise<boolean> {
      const { rowCount } = await tx.query(
        `update totp_secrets set last_step = $3, confirmed_at = coalesce(confirmed_at, clock_timestamp())
          where tenant_id = $1 and id = $2 and last_step < $3`,
        [tenantId, id, step],
      );
      return rowCount === 1;
    },

    async remove(tx: Tx, tenantId: string, userId: string): Promise<void> {
      await tx.query(`delete from totp_secrets where tenant_id = $1 and user_id = $2`, [tenantId, userId]);
    },
  };
}
export type TotpRows = ReturnType<typeof createTotpRows>;
