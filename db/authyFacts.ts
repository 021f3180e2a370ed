import type { Keyring } from '../platform/keys/keyring';
import type { Queryable } from './transaction';
import { createPersonalData } from './users';

/** A user, also one who was removed: then without phone. */
export interface UserFacts {
  id: string;
  authyId: number;
  externalId: string | null;
  /** E.164 */
  phone: string | null;
}

/** A device, also one that was removed. */
export interface DeviceFacts {
  id: string;
  authyId: number;
  name: string;
  platform: string;
  createdAtMs: number;
}

/** An approval, and whose answer was the last one. */
export interface ApprovalFacts {
  id: string;
  createdAtMs: number;
  expiresAtMs: number;
  answeredBy: string | null;
  answeredAtMs: number | null;
}

/** What is known of those whom events name. */
export function createAuthyFactRows(keyring: Keyring) {
  const { open } = createPersonalData(keyring);

  async function findApprovals(db: Queryable, tenantId: string, ids: string[]): Promise<ApprovalFacts[]> {
    if (ids.length === 0) return [];
    const { rows } = await db.query<{
      id: string;
      created_at: Date;
      expires_at: Date;
      user_id: string | null;
      received_at: Date | null;
    }>(
      `select a.id, a.created_at, a.expires_at, last.user_id, last.received_at
         from approvals a
         left join lateral (select user_id, received_at from answers
                             where approval_id = a.id order by received_at desc limit 1) last on true
        where a.tenant_id = $1 and a.id = any($2)`,
      [tenantId, ids],
    );
    return rows.map((row) => ({
      id: row.id,
      createdAtMs: row.created_at.getTime(),
      expiresAtMs: row.expires_at.getTime(),
      answeredBy: row.user_id,
      answeredAtMs: row.received_at?.getTime() ?? null,
    }));
  }

  async function findUsers(db: Queryable, tenantId: string, ids: string[]): Promise<UserFacts[]> {
    if (ids.length === 0) return [];
    const { rows } = await db.query<{ id: string; authy_id: number; external_id: string | null; phone: Buffer | null }>(
      `select id, authy_id, external_id, phone from users where tenant_id = $1 and id = any($2)`,
      [tenantId, ids],
    );
    return rows.map(({ id, authy_id, external_id, phone }) => ({
      id,
      authyId: authy_id,
      externalId: external_id,
      phone: open(phone, id),
    }));
  }

  async function findDevices(db: Queryable, tenantId: string, ids: string[]): Promise<DeviceFacts[]> {
    if (ids.length === 0) return [];
    const { rows } = await db.query<{ id: string; authy_id: number; name: string; platform: string; created_at: Date }>(
      `select id, authy_id, name, platform, created_at from devices where tenant_id = $1 and id = any($2)`,
      [tenantId, ids],
    );
    return rows.map(({ authy_id, created_at, ...device }) => ({
      ...device,
      authyId: authy_id,
      createdAtMs: created_at.getTime(),
    }));
  }

  /** Also of a user who was removed. */
  async function findUserId(db: Queryable, tenantId: string, authyId: number): Promise<string | undefined> {
    const { rows } = await db.query<{ id: string }>(`select id from users where tenant_id = $1 and authy_id = $2`, [
      tenantId,
      authyId,
    ]);
    return rows[0]?.id;
  }

  return { findApprovals, findUsers, findDevices, findUserId };
}
export type AuthyFactRows = ReturnType<typeof createAuthyFactRows>;
