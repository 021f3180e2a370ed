import { DEVICE_TOTP_PARAMETERS, TOTP_PARAMETERS } from '../domain/totp';
import type { TotpParameters } from '../domain/totp';
import type { Keyring } from '../platform/keys/keyring';
import type { Device } from './devices';
import type { Queryable, Tx } from './transaction';

/** What digits are made from: of an authenticator app, or of a device of ours. */
export interface TotpSecret {
  /** Of an app's another with each new secret; of a device's that of the device. */
  id: string;
  tenantId: string;
  userId: string;
  /** Null for an app's. */
  deviceId: string | null;
  secret: Buffer;
  parameters: TotpParameters;
  lastStep: number;
  isConfirmed: boolean;
  /** The database's clock when this was read, in ms. */
  readAtMs: number;
}

/** The secrets of totp, sealed: one a user for an authenticator app, and one for each device that asked for it. */
export function createTotpRows(keyring: Keyring) {
  return {
    /** All of a user, the one for an authenticator app first; a device proved itself when it registered. */
    async listOfUser(db: Queryable, tenantId: string, userId: string): Promise<TotpSecret[]> {
      const { rows } = await db.query<{
        id: string;
        device_id: string | null;
        secret: Buffer;
        last_step: string;
        is_confirmed: boolean;
        read_at: Date;
      }>(
        `select id, null::uuid as device_id, secret, last_step, confirmed_at is not null as is_confirmed,
                clock_timestamp() as read_at
           from totp_secrets where tenant_id = $1 and user_id = $2
          union all
         select id, id, totp_secret, totp_last_step, true, clock_timestamp()
           from devices where tenant_id = $1 and user_id = $2 and removed_at is null and totp_secret is not null
          order by device_id nulls first`,
        [tenantId, userId],
      );
      return rows.map(({ id, device_id: deviceId, secret, last_step, is_confirmed, read_at }) => ({
        id,
        tenantId,
        userId,
        deviceId,
        ...(deviceId === null
          ? { secret: keyring.decrypt('totp', secret, userId), parameters: TOTP_PARAMETERS }
          : { secret: keyring.decrypt('device-totp', secret, deviceId), parameters: DEVICE_TOTP_PARAMETERS }),
        lastStep: Number(last_step),
        isConfirmed: is_confirmed,
        readAtMs: read_at.getTime(),
      }));
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

    /** Gives a device this secret, unless it has one; answers the one that it has. Undefined for a removed device. */
    async ensureOfDevice(
      tx: Tx,
      { tenantId, id }: Pick<Device, 'tenantId' | 'id'>,
      secret: Buffer,
    ): Promise<Buffer | undefined> {
      const { rows } = await tx.query<{ totp_secret: Buffer }>(
        `update devices set totp_secret = coalesce(totp_secret, $3)
          where tenant_id = $1 and id = $2 and removed_at is null returning totp_secret`,
        [tenantId, id, keyring.encrypt('device-totp', secret, id)],
      );
      return rows[0] && keyring.decrypt('device-totp', rows[0].totp_secret, id);
    },

    /**
     * Takes a step, and confirms the secret, in one statement: of any number at once, one gets it. False when this step
     * or a later one was taken already, or the secret was replaced or removed.
     */
    async takeStep(
      tx: Tx,
      { tenantId, id, deviceId }: Pick<TotpSecret, 'tenantId' | 'id' | 'deviceId'>,
      step: number,
    ): Promise<boolean> {
      const { rowCount } = await tx.query(
        deviceId === null
          ? `update totp_secrets set last_step = $3, confirmed_at = coalesce(confirmed_at, clock_timestamp())
              where tenant_id = $1 and id = $2 and last_step < $3`
          : `update devices set totp_last_step = $3
              where tenant_id = $1 and id = $2 and totp_last_step < $3 and removed_at is null`,
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
