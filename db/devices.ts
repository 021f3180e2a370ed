import type { PublicJwk } from '../domain/device';
import type { Keyring } from '../platform/keys/keyring';
import type { Queryable, Tx } from './transaction';

export interface Device {
  id: string;
  tenantId: string;
  userId: string;
  /** The integer that clients of the Authy API know it by. */
  authyId: number;
  name: string;
  platform: string;
  publicJwk: PublicJwk;
  thumbprint: string;
  registrationProof: string;
  pushKind: string;
  pushToken: string | null;
  createdAtMs: number;
  removedAtMs: number | null;
}

interface Row {
  id: string;
  tenant_id: string;
  user_id: string;
  authy_id: number;
  name: string;
  platform: string;
  public_jwk: PublicJwk;
  thumbprint: string;
  registration_proof: string;
  push_kind: string;
  push_token: Buffer | null;
  created_at: Date;
  removed_at: Date | null;
}

export interface RegistrationToken {
  id: string;
  tenantId: string;
  userId: string;
  expiresAtMs: number;
  deviceId: string | null;
  /** It is good only while this one waits for a device. */
  onboardingId: string | null;
  /** It was given for a token of the tenant's own, which a QR code showed. */
  byAccountToken: boolean;
}

/** Devices and the tokens with which they register. Removed devices stay: their signatures have to remain checkable. */
export function createDeviceRows(keyring: Keyring) {
  const toDevice = (row: Row): Device => ({
    id: row.id,
    tenantId: row.tenant_id,
    userId: row.user_id,
    authyId: row.authy_id,
    name: row.name,
    platform: row.platform,
    publicJwk: row.public_jwk,
    thumbprint: row.thumbprint,
    registrationProof: row.registration_proof,
    pushKind: row.push_kind,
    pushToken: row.push_token && keyring.decrypt('push-token', row.push_token, row.id).toString('utf8'),
    createdAtMs: row.created_at.getTime(),
    removedAtMs: row.removed_at?.getTime() ?? null,
  });

  async function many(db: Queryable, sql: string, values: unknown[]): Promise<Device[]> {
    const { rows } = await db.query<Row>(sql, values);
    return rows.map(toDevice);
  }
  const one = async (db: Queryable, sql: string, values: unknown[]) => (await many(db, sql, values))[0];

  return {
    /** One that is there already, and unused, is good for longer. */
    async insertToken(tx: Tx, token: Omit<RegistrationToken, 'deviceId'>): Promise<void> {
      await tx.query(
        `insert into registration_tokens (id, tenant_id, user_id, expires_at, onboarding_id, by_account_token)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (id) do update set expires_at = excluded.expires_at where registration_tokens.device_id is null`,
        [token.id, token.tenantId, token.userId, new Date(token.expiresAtMs), token.onboardingId, token.byAccountToken],
      );
    },

    /** Holds the token: two phones with one token come one after the other. */
    async lockToken(tx: Tx, id: string): Promise<RegistrationToken | undefined> {
      const { rows } = await tx.query<{
        id: string;
        tenant_id: string;
        user_id: string;
        expires_at: Date;
        device_id: string | null;
        onboarding_id: string | null;
        by_account_token: boolean;
      }>(`select * from registration_tokens where id = $1 for update`, [id]);
      const row = rows[0];
      return (
        row && {
          id: row.id,
          tenantId: row.tenant_id,
          userId: row.user_id,
          expiresAtMs: row.expires_at.getTime(),
          deviceId: row.device_id,
          onboardingId: row.onboarding_id,
          byAccountToken: row.by_account_token,
        }
      );
    },

    async useToken(tx: Tx, id: string, deviceId: string): Promise<void> {
      await tx.query(`update registration_tokens set device_id = $2 where id = $1`, [id, deviceId]);
    },

    async insert(
      tx: Tx,
      device: Omit<Device, 'authyId' | 'pushKind' | 'pushToken' | 'createdAtMs' | 'removedAtMs'>,
    ): Promise<void> {
      await tx.query(
        `insert into devices (id, tenant_id, user_id, name, platform, public_jwk, thumbprint, registration_proof)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          device.id,
          device.tenantId,
          device.userId,
          device.name,
          device.platform,
          JSON.stringify(device.publicJwk),
          device.thumbprint,
          device.registrationProof,
        ],
      );
    },

    /** By the device's own id, which is all that a proof names; removed ones too. */
    find: (db: Queryable, id: string) => one(db, `select * from devices where id = $1`, [id]),

    findByAuthyId: (db: Queryable, tenantId: string, authyId: number) =>
      one(db, `select * from devices where tenant_id = $1 and authy_id = $2 and removed_at is null`, [
        tenantId,
        authyId,
      ]),

    listOfUser: (db: Queryable, tenantId: string, userId: string) =>
      many(
        db,
        `select * from devices where tenant_id = $1 and user_id = $2 and removed_at is null order by created_at, id`,
        [tenantId, userId],
      ),

    /** The named ones, removed or not: for evidence. */
    listByIds: (db: Queryable, tenantId: string, ids: readonly string[]) =>
      many(db, `select * from devices where tenant_id = $1 and id = any($2) order by created_at, id`, [tenantId, ids]),

    /**
     * Holds user and device, in this order, against removal, and reads the device. A removal that came first is seen: the
     * locked rows are read again after the wait.
     */
    lockForAnswer: (tx: Tx, tenantId: string, id: string) =>
      one(
        tx,
        `select d.* from users u join devices d on d.user_id = u.id
          where u.tenant_id = $1 and d.tenant_id = $1 and d.id = $2 for share of u, d`,
        [tenantId, id],
      ),

    /**
     * Marks devices of a user removed, all or one; answers their ids. Locks first: an update that waits for a row which is
     * only locked would write the time from before the wait, earlier than the answer it waited for.
     */
    async remove(tx: Tx, tenantId: string, userId: string, id?: string): Promise<string[]> {
      const locked = await tx.query<{ id: string }>(
        `select id from devices
          where tenant_id = $1 and user_id = $2 and ($3::uuid is null or id = $3) and removed_at is null
          order by id for update`,
        [tenantId, userId, id ?? null],
      );
      const ids = locked.rows.map((row) => row.id);
      await tx.query(
        `update devices
            set removed_at = clock_timestamp(), push_kind = 'none', push_token = null, totp_secret = null
          where tenant_id = $1 and id = any($2)`,
        [tenantId, ids],
      );
      return ids;
    },

    async setPushTarget(tx: Tx, tenantId: string, id: string, kind: string, token: string | null): Promise<void> {
      await tx.query(
        `update devices set push_kind = $3, push_token = $4 where tenant_id = $1 and id = $2 and removed_at is null`,
        [tenantId, id, kind, token === null ? null : keyring.encrypt('push-token', token, id)],
      );
    },

    /** @throws the violation of `device_proofs_once` for a proof that was used before. */
    async useProof(tx: Tx, deviceId: string, jti: string): Promise<void> {
      await tx.query(`insert into device_proofs (device_id, jti) values ($1, $2)`, [deviceId, jti]);
    },
  };
}
export type DeviceRows = ReturnType<typeof createDeviceRows>;
