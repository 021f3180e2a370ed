import type { JWK } from 'jose';
import type { Keyring } from '../platform/keys/keyring';
import type { Queryable } from './transaction';

/** The keys with which this installation seals evidence; the private halves are sealed themselves. */
export function createInstallationKeyRows(keyring: Keyring) {
  return {
    /** Keeps a first key; where one is in use already, nothing happens. */
    async insertFirst(db: Queryable, key: { id: string; privateJwk: JWK; publicJwk: JWK }): Promise<void> {
      await db.query(
        `insert into installation_keys (id, private_jwk, public_jwk) values ($1, $2, $3) on conflict do nothing`,
        [
          key.id,
          keyring.encrypt('installation-key', JSON.stringify(key.privateJwk), key.id),
          JSON.stringify(key.publicJwk),
        ],
      );
    },

    async findCurrent(db: Queryable): Promise<{ id: string; privateJwk: JWK } | undefined> {
      const { rows } = await db.query<{ id: string; private_jwk: Buffer }>(
        `select id, private_jwk from installation_keys where retired_at is null`,
      );
      const row = rows[0];
      return (
        row && {
          id: row.id,
          privateJwk: JSON.parse(keyring.decrypt('installation-key', row.private_jwk, row.id).toString('utf8')) as JWK,
        }
      );
    },

    /** Retired ones too: what they sealed stays checkable. */
    async listPublic(db: Queryable): Promise<JWK[]> {
      const { rows } = await db.query<{ public_jwk: JWK }>(
        `select public_jwk from installation_keys order by created_at desc`,
      );
      return rows.map((row) => row.public_jwk);
    },
  };
}
export type InstallationKeyRows = ReturnType<typeof createInstallationKeyRows>;
