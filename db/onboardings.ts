import type { Method } from '../domain/method';
import type { CancelReason, LinkState, OnboardingEnd, OnboardingStatus } from '../domain/onboarding';
import type { Queryable, Tx } from './transaction';
import { SOON, takeOverdue } from './workflowDue';

/** One attempt to enable two-factor authentication. */
export interface Onboarding {
  id: string;
  tenantId: string;
  userId: string;
  status: OnboardingStatus;
  /** Why it was cancelled. */
  reason: CancelReason | null;
  method: Method | null;
  /** The tenant hands a registration token to its own app; no link is sent. */
  ownApp: boolean;
  /** The device that was registered for it. */
  deviceId: string | null;
  /** The approval by which the person confirms. */
  approvalId: string | null;
  linkState: LinkState;
  /** Raised by each text message with the link. */
  linkRound: number;
  createdAtMs: number;
  expiresAtMs: number;
  /** Null once it has reminded, and where it never does. */
  remindAtMs: number | null;
  closedAtMs: number | null;
  /** The database's clock when this was read, in ms. */
  readAtMs: number;
}

/** By which a row is found: every query names the tenant. */
type Key = Pick<Onboarding, 'tenantId' | 'id'>;

interface Row {
  id: string;
  tenant_id: string;
  user_id: string;
  status: OnboardingStatus;
  reason: CancelReason | null;
  method: Method | null;
  own_app: boolean;
  device_id: string | null;
  approval_id: string | null;
  link_state: LinkState;
  link_round: number;
  created_at: Date;
  expires_at: Date;
  remind_at: Date | null;
  closed_at: Date | null;
  read_at: Date;
}

const toOnboarding = (row: Row): Onboarding => ({
  id: row.id,
  tenantId: row.tenant_id,
  userId: row.user_id,
  status: row.status,
  reason: row.reason,
  method: row.method,
  ownApp: row.own_app,
  deviceId: row.device_id,
  approvalId: row.approval_id,
  linkState: row.link_state,
  linkRound: row.link_round,
  createdAtMs: row.created_at.getTime(),
  expiresAtMs: row.expires_at.getTime(),
  remindAtMs: row.remind_at?.getTime() ?? null,
  closedAtMs: row.closed_at?.getTime() ?? null,
  readAtMs: row.read_at.getTime(),
});

async function many(db: Queryable, sql: string, values: unknown[]): Promise<Onboarding[]> {
  const { rows } = await db.query<Row>(sql, values);
  return rows.map(toOnboarding);
}
const one = async (db: Queryable, sql: string, values: unknown[]) => (await many(db, sql, values))[0];

const READ = `*, clock_timestamp() as read_at`;

/** As SOON, for a workflow that was just heard from: it waits, or sends a link with patience, or has nothing left to do. */
const WHEN_NEXT = `case when closed_at is null then
    least(expires_at + interval '5 seconds', remind_at + interval '5 seconds',
          case when link_state = 'waiting' then clock_timestamp() + interval '150 seconds' end) end`;

/** Onboardings. They hold no secret: an install link is derived from the id. */
export function createOnboardingRows() {
  const find = (db: Queryable, tenantId: string, id: string) =>
    one(db, `select ${READ} from onboardings where tenant_id = $1 and id = $2`, [tenantId, id]);

  const findOpen = (tx: Queryable, tenantId: string, userId: string) =>
    one(tx, `select ${READ} from onboardings where tenant_id = $1 and user_id = $2 and closed_at is null`, [
      tenantId,
      userId,
    ]);

  return {
    find,

    /** By the id alone, which is all that an install link names. */
    findById: (db: Queryable, id: string) => one(db, `select ${READ} from onboardings where id = $1`, [id]),

    /** The newest twenty of a user, newest first. */
    listOfUser: (db: Queryable, tenantId: string, userId: string) =>
      many(
        db,
        `select ${READ} from onboardings where tenant_id = $1 and user_id = $2
          order by created_at desc, id desc limit 20`,
        [tenantId, userId],
      ),

    /** A new one that waits for its method. The user is locked and has no open one. */
    async insert(
      tx: Tx,
      fresh: Pick<Onboarding, 'id' | 'tenantId' | 'userId' | 'ownApp' | 'createdAtMs' | 'expiresAtMs' | 'remindAtMs'>,
    ): Promise<Onboarding> {
      const inserted = await one(
        tx,
        `insert into onboardings (id, tenant_id, user_id, status, own_app, created_at, expires_at, remind_at, workflow_due_at)
         values ($1, $2, $3, 'waiting_for_method', $4, $5, $6, $7, ${SOON}) returning ${READ}`,
        [
          fresh.id,
          fresh.tenantId,
          fresh.userId,
          fresh.ownApp,
          new Date(fresh.createdAtMs),
          new Date(fresh.expiresAtMs),
          dateOrNull(fresh.remindAtMs),
        ],
      );
      return inserted!;
    },

    /** Holds it until the transaction ends, and then reads it and the clock. */
    async lock(tx: Tx, tenantId: string, id: string): Promise<Onboarding | undefined> {
      await tx.query(`select from onboardings where tenant_id = $1 and id = $2 for no key update`, [tenantId, id]);
      return find(tx, tenantId, id);
    },

    /** The same for the open one of a user who is locked already. */
    async lockOpen(tx: Tx, tenantId: string, userId: string): Promise<Onboarding | undefined> {
      await tx.query(
        `select from onboardings where tenant_id = $1 and user_id = $2 and closed_at is null for no key update`,
        [tenantId, userId],
      );
      return findOpen(tx, tenantId, userId);
    },

    /** Writes what a step changed of an open one that is locked; its workflow has to learn it. */
    async advance(tx: Tx, after: Onboarding): Promise<void> {
      await tx.query(
        `update onboardings
            set status = $3, method = $4, device_id = $5, approval_id = $6, link_state = $7, link_round = $8,
                remind_at = $9, workflow_due_at = ${SOON}
          where tenant_id = $1 and id = $2 and closed_at is null`,
        [
          after.tenantId,
          after.id,
          after.status,
          after.method,
          after.deviceId,
          after.approvalId,
          after.linkState,
          after.linkRound,
          dateOrNull(after.remindAtMs),
        ],
      );
    },

    /** The one end. It is locked and known to be open; the clock was read after the lock. */
    async close(
      tx: Tx,
      { tenantId, id }: Key,
      end: { status: OnboardingEnd; reason: CancelReason | null; atMs: number },
    ): Promise<Onboarding> {
      const closed = await one(
        tx,
        `update onboardings
            set status = $3, reason = $4, closed_at = $5, remind_at = null, workflow_due_at = ${SOON},
                link_state = case link_state when 'waiting' then 'none' else link_state end -- nobody is to be sent one now
          where tenant_id = $1 and id = $2 and closed_at is null returning ${READ}`,
        [tenantId, id, end.status, end.reason, new Date(end.atMs)],
      );
      return closed!;
    },

    /** The read of a workflow: says at the same time that it was heard from. */
    touch: (db: Queryable, tenantId: string, id: string) =>
      one(
        db,
        `update onboardings set workflow_due_at = ${WHEN_NEXT} where tenant_id = $1 and id = $2 returning ${READ}`,
        [tenantId, id],
      ),

    /** Notes once how the text message of a round fared; false when that is known, or there is a later round. */
    async recordLink(
      db: Queryable,
      { tenantId, id, linkRound }: Pick<Onboarding, 'tenantId' | 'id' | 'linkRound'>,
      state: 'sent' | 'failed',
    ): Promise<boolean> {
      const { rowCount } = await db.query(
        `update onboardings set link_state = $4
          where tenant_id = $1 and id = $2 and link_round = $3 and link_state = 'waiting'`,
        [tenantId, id, linkRound, state],
      );
      return rowCount === 1;
    },

    takeOverdue: (db: Queryable, limit: number) => takeOverdue(db, 'onboardings', 'closed_at is null', limit),
  };
}
export type OnboardingRows = ReturnType<typeof createOnboardingRows>;

const dateOrNull = (ms: number | null) => (ms === null ? null : new Date(ms));
