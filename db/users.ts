import type { Holder } from '../domain/userImport';
import type { Keyring } from '../platform/keys/keyring';
import type { PageOf } from './approvals';
import type { Queryable, Tx } from './transaction';

export interface User {
  id: string;
  tenantId: string;
  authyId: number;
  externalId: string | null;
  /** E.164 */
  phone: string | null;
  email: string | null;
  createdAtMs: number;
  /** A code of this user was accepted once. */
  isConfirmed: boolean;
}

/** Whom an import brings; the phone in E.164. */
export interface ImportedUser {
  authyId: number;
  externalId: string | null;
  phone: string | null;
  email: string | null;
  isConfirmed: boolean;
}

interface Row {
  id: string;
  tenant_id: string;
  authy_id: number;
  external_id: string | null;
  phone: Buffer | null;
  email: Buffer | null;
  created_at: Date;
  confirmed_at: Date | null;
}

/** What is personal of a user, sealed under the user's id; other tables' rows never hold it. */
export const createPersonalData = (keyring: Pick<Keyring, 'encrypt' | 'decrypt'>) => ({
  open: (sealed: Buffer | null, id: string) => sealed && keyring.decrypt('user', sealed, id).toString('utf8'),
  seal: (text: string | null, id: string) => (text === null ? null : keyring.encrypt('user', text, id)),
});

/** Users: phone and e-mail are sealed; a phone is found by its blind index. */
export function createUserRows(keyring: Keyring) {
  const { open, seal } = createPersonalData(keyring);

  const toUser = (row: Row): User => ({
    id: row.id,
    tenantId: row.tenant_id,
    authyId: row.authy_id,
    externalId: row.external_id,
    phone: open(row.phone, row.id),
    email: open(row.email, row.id),
    createdAtMs: row.created_at.getTime(),
    isConfirmed: row.confirmed_at !== null,
  });

  async function one(db: Queryable, sql: string, values: unknown[]): Promise<User | undefined> {
    const { rows } = await db.query<Row>(sql, values);
    return rows[0] && toUser(rows[0]);
  }

  return {
    /** Undefined when externalId or phone has a user already: the caller then reads that one. */
    insert: (
      tx: Tx,
      user: { id: string; tenantId: string; externalId: string | null; phone: string | null; email: string | null },
    ) =>
      one(
        tx,
        `insert into users (id, tenant_id, external_id, phone, phone_index, email) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing returning *`,
        [
          user.id,
          user.tenantId,
          user.externalId,
          seal(user.phone, user.id),
          user.phone === null ? null : keyring.blindIndex('phone', user.phone),
          seal(user.email, user.id),
        ],
      ),

    /** Several with the Authy ids that they have already; answers how many. The others were added by somebody else. */
    async insertAll(tx: Tx, tenantId: string, imported: readonly (ImportedUser & { id: string })[]): Promise<number> {
      const column = <T>(of: (user: ImportedUser & { id: string }) => T) => imported.map(of);
      const { rowCount } = await tx.query(
        `insert into users (id, tenant_id, authy_id, external_id, phone, phone_index, email, confirmed_at)
         select id, $1, authy_id, external_id, phone, phone_index, email, case when confirmed then clock_timestamp() end
           from unnest($2::uuid[], $3::integer[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], $8::boolean[])
             as u (id, authy_id, external_id, phone, phone_index, email, confirmed)
         on conflict do nothing`,
        [
          tenantId,
          column(({ id }) => id),
          column(({ authyId }) => authyId),
          column(({ externalId }) => externalId),
          column(({ phone, id }) => seal(phone, id)),
          column(({ phone }) => (phone === null ? null : keyring.blindIndex('phone', phone))),
          column(({ email, id }) => seal(email, id)),
          column(({ isConfirmed }) => isConfirmed),
        ],
      );
      return rowCount ?? 0;
    },

    /** Who has any of these already. Authy ids are given once in an installation, so they alone are asked of all tenants. */
    async listHolders(db: Queryable, tenantId: string, imported: readonly ImportedUser[]): Promise<Holder[]> {
      const phones = imported.flatMap(({ phone }) => (phone === null ? [] : keyring.blindIndexes('phone', phone)));
      const { rows } = await db.query<Row & { is_removed: boolean }>(
        `select *, removed_at is not null as is_removed from users where id in (
           select id from users where authy_id = any($2::integer[])
           union
           select id from users where tenant_id = $1 and phone_index = any($3::bytea[]) and removed_at is null
           union
           select id from users where tenant_id = $1 and external_id = any($4::text[]) and removed_at is null)`,
        [
          tenantId,
          imported.map(({ authyId }) => authyId),
          phones,
          imported.flatMap(({ externalId }) => externalId ?? []),
        ],
      );
      return rows.map((row) => {
        const isOurs = row.tenant_id === tenantId;
        return {
          authyId: row.authy_id,
          isOurs,
          isRemoved: row.is_removed,
          externalId: isOurs ? row.external_id : null,
          phone: isOurs ? open(row.phone, row.id) : null,
        };
      });
    },

    find: (db: Queryable, tenantId: string, id: string) =>
      one(db, `select * from users where tenant_id = $1 and id = $2 and removed_at is null`, [tenantId, id]),

    findByAuthyId: (db: Queryable, tenantId: string, authyId: number) =>
      one(db, `select * from users where tenant_id = $1 and authy_id = $2 and removed_at is null`, [tenantId, authyId]),

    findByExternalId: (db: Queryable, tenantId: string, externalId: string) =>
      one(db, `select * from users where tenant_id = $1 and external_id = $2 and removed_at is null`, [
        tenantId,
        externalId,
      ]),

    /** By every key of the ring; the constraint sees only phones that were indexed under the same one. */
    findByPhone: (db: Queryable, tenantId: string, phone: string) =>
      one(db, `select * from users where tenant_id = $1 and phone_index = any($2) and removed_at is null`, [
        tenantId,
        keyring.blindIndexes('phone', phone),
      ]),

    async list(db: Queryable, tenantId: string, { limit, after }: PageOf): Promise<User[]> {
      const { rows } = await db.query<Row>(
        `select * from users
          where tenant_id = $1 and removed_at is null
            and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
          order by created_at desc, id desc limit $4`,
        [tenantId, after ? new Date(after.createdAtMs) : null, after?.id ?? null, limit],
      );
      return rows.map(toUser);
    },

    /** Holds the user against other creations and against removal. */
    lock: (tx: Tx, tenantId: string, id: string) =>
      one(tx, `select * from users where tenant_id = $1 and id = $2 and removed_at is null for no key update`, [
        tenantId,
        id,
      ]),

    /** The same for several, by ascending id so that two creations cannot wait for each other; answers those there are. */
    async lockAll(tx: Tx, tenantId: string, ids: readonly string[]): Promise<string[]> {
      const { rows } = await tx.query<{ id: string }>(
        `select id from users where tenant_id = $1 and id = any($2) and removed_at is null
          order by id for no key update`,
        [tenantId, ids],
      );
      return rows.map((row) => row.id);
    },

    /** `onlyWhereNone` keeps one that is there. */
    async setEmail(
      tx: Tx,
      tenantId: string,
      id: string,
      email: string,
      { onlyWhereNone = false }: { onlyWhereNone?: boolean } = {},
    ): Promise<void> {
      await tx.query(
        `update users set email = $3
          where tenant_id = $1 and id = $2 and removed_at is null and not ($4 and email is not null)`,
        [tenantId, id, seal(email, id), onlyWhereNone],
      );
    },

    /** Notes that a code of this locked user was accepted; the first one counts. */
    async confirm(tx: Tx, tenantId: string, id: string): Promise<void> {
      await tx.query(
        `update users set confirmed_at = clock_timestamp() where tenant_id = $1 and id = $2 and confirmed_at is null`,
        [tenantId, id],
      );
    },

    /** Marks a locked user removed; phone and e-mail are forgotten. */
    async remove(tx: Tx, tenantId: string, id: string): Promise<void> {
      await tx.query(
        `update users set removed_at = clock_timestamp(), phone = null, phone_index = null, email = null
          where tenant_id = $1 and id = $2`,
        [tenantId, id],
      );
    },

    async mutePushes(tx: Tx, tenantId: string, id: string, untilMs: number): Promise<void> {
      await tx.query(
        `insert into push_mutes (user_id, tenant_id, until) values ($1, $2, $3)
         on conflict (user_id) do update set until = greatest(push_mutes.until, excluded.until)`,
        [id, tenantId, new Date(untilMs)],
      );
    },

    /** Which of these users are left in peace now. */
    async listMuted(db: Queryable, tenantId: string, ids: readonly string[]): Promise<string[]> {
      const { rows } = await db.query<{ user_id: string }>(
        `select user_id from push_mutes where tenant_id = $1 and user_id = any($2) and until > clock_timestamp()`,
        [tenantId, ids],
      );
      return rows.map((row) => row.user_id);
    },
  };
}
export type UserRows = ReturnType<typeof createUserRows>;
