import type { Keyring } from '../platform/keys/keyring';
import type {
  ApprovalDecision,
  ApprovalMode,
  ApprovalStatus,
  CallbackState,
  DenialReason,
  Pusher,
  PushState,
} from '../domain/approval';
import type { OneTouch } from '../domain/oneTouch';
import type { Queryable, Tx } from './transaction';

export interface Approver {
  userId: string;
  decision: ApprovalDecision | null;
  reason: DenialReason | null;
  deviceId: string | null;
  answeredAtMs: number | null;
  withdrawnAtMs: number | null;
  /** How many answers had been judged before. */
  withdrawnAfter: number | null;
  /** True for a user who was removed, whether or not that is taken into account here yet. */
  isRemoved: boolean;
}

/** An approval as it is written, with its people. */
export interface Approval {
  id: string;
  tenantId: string;
  mode: ApprovalMode;
  required: number;
  veto: boolean;
  requestedBy: string | null;
  /** The onboarding that it confirms. */
  onboardingId: string | null;
  status: ApprovalStatus;
  reason: DenialReason | null;
  shown: string;
  shownDigest: string;
  hiddenDetails: string | null;
  nonce: string;
  callbackUrl: string | null;
  callbackState: CallbackState;
  pushBy: Pusher;
  pushState: PushState;
  pushRound: number;
  /** Null unless it was asked for in the Authy dialect. */
  oneTouch: OneTouch | null;
  createdAtMs: number;
  expiresAtMs: number;
  decidedAtMs: number | null;
  approvers: readonly Approver[];
  /** The database's clock when this was read, in ms. */
  readAtMs: number;
}

export interface PageOf {
  limit: number;
  after?: { createdAtMs: number; id: string };
}

/** What a status is by now: a deadline may have passed without anybody having written it down yet. */
const STATUS_NOW = `case when a.status = 'pending' and a.expires_at <= clock_timestamp() then 'expired' else a.status end`;

/** What is selected of an approval; `from` is the table, or what an update returned. */
export const columns = (from: string) => `
  select a.*, clock_timestamp() as read_at,
         (select json_agg(json_build_object('userId', p.user_id, 'decision', p.decision, 'reason', w.reason,
                                            'deviceId', w.device_id,
                                            'answeredAtMs', floor(extract(epoch from w.received_at) * 1000),
                                            'withdrawnAtMs', floor(extract(epoch from p.withdrawn_at) * 1000),
                                            'withdrawnAfter', p.withdrawn_after,
                                            'isRemoved', u.removed_at is not null)
                          order by p.position)
            from approvers p join users u on u.id = p.user_id left join answers w using (approval_id, user_id)
           where p.approval_id = a.id) as approvers
    from ${from} a`;

interface Row {
  id: string;
  tenant_id: string;
  mode: ApprovalMode;
  required: number;
  veto: boolean;
  requested_by: string | null;
  onboarding_id: string | null;
  status: ApprovalStatus;
  reason: DenialReason | null;
  shown: Buffer;
  shown_digest: string;
  hidden_details: Buffer | null;
  nonce: string;
  callback_url: Buffer | null;
  callback_state: CallbackState;
  push_by: Pusher;
  push_state: PushState;
  push_round: number;
  one_touch: Buffer | null;
  created_at: Date;
  expires_at: Date;
  decided_at: Date | null;
  read_at: Date;
  approvers: Approver[];
}

/** Runs a query whose rows are approvals. Texts are opened on their way out. */
export function createApprovalQuery(keyring: Keyring) {
  const open = (sealed: Buffer, id: string) => keyring.decrypt('approval', sealed, id).toString('utf8');

  const toApproval = (row: Row): Approval => ({
    id: row.id,
    tenantId: row.tenant_id,
    mode: row.mode,
    required: row.required,
    veto: row.veto,
    requestedBy: row.requested_by,
    onboardingId: row.onboarding_id,
    status: row.status,
    reason: row.reason,
    shown: open(row.shown, row.id),
    shownDigest: row.shown_digest,
    hiddenDetails: row.hidden_details && open(row.hidden_details, row.id),
    nonce: row.nonce,
    callbackUrl: row.callback_url && open(row.callback_url, row.id),
    callbackState: row.callback_state,
    pushBy: row.push_by,
    pushState: row.push_state,
    pushRound: row.push_round,
    oneTouch: row.one_touch && (JSON.parse(open(row.one_touch, row.id)) as OneTouch),
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    decidedAtMs: row.decided_at?.getTime() ?? null,
    approvers: row.approvers,
    readAtMs: row.read_at.getTime(),
  });

  return async (db: Queryable, sql: string, values: unknown[]): Promise<Approval[]> => {
    const { rows } = await db.query<Row>(sql, values);
    return rows.map(toApproval);
  };
}

/** How approvals, their approvers and answers are read. */
export function createApprovalReading(keyring: Keyring) {
  const many = createApprovalQuery(keyring);

  return {
    /** Also the read after the locks: one statement gives the approval, its people and the clock. */
    find: async (db: Queryable, tenantId: string, id: string): Promise<Approval | undefined> =>
      (await many(db, `${columns('approvals')} where a.tenant_id = $1 and a.id = $2`, [tenantId, id]))[0],

    /** Newest first. With a user the search starts at that person's approvals, not at all of the tenant's. */
    list(db: Queryable, tenantId: string, filter: { userId?: string; status?: ApprovalStatus } & PageOf) {
      const ofUser = filter.userId === undefined ? '$2::uuid is null' : 'mine.tenant_id = $1 and mine.user_id = $2';
      return many(
        db,
        `${columns('approvals')}
           ${filter.userId === undefined ? '' : 'join approvers mine on mine.approval_id = a.id'}
          where a.tenant_id = $1 and ${ofUser}
            and ($3::text is null or ${STATUS_NOW} = $3)
            and ($4::timestamptz is null or (a.created_at, a.id) < ($4, $5::uuid))
          order by a.created_at desc, a.id desc
          limit $6`,
        [
          tenantId,
          filter.userId ?? null,
          filter.status ?? null,
          filter.after ? new Date(filter.after.createdAtMs) : null,
          filter.after?.id ?? null,
          filter.limit,
        ],
      );
    },

    /** What waits for a device's person, oldest first; nothing for a device that was removed. */
    listInbox(
      db: Queryable,
      { tenantId, userId, id: deviceId }: { tenantId: string; userId: string; id: string },
    ): Promise<Approval[]> {
      return many(
        db,
        `${columns('approvals')}
           join approvers mine on mine.approval_id = a.id
          where mine.tenant_id = $1 and mine.user_id = $2 and a.tenant_id = $1
            and a.status = 'pending' and a.expires_at > clock_timestamp()
            and exists (select from devices d where d.id = $3 and d.removed_at is null)
          order by a.created_at, a.id
          limit 100`,
        [tenantId, userId, deviceId],
      );
    },

    /**
     * What decides whether locked users may be asked, in one statement: how many of them have a device, the most logins
     * that are open for one of them, and the clock.
     */
    async readPrerequisites(tx: Tx, tenantId: string, userIds: readonly string[]) {
      const { rows } = await tx.query<{ able: number; open_logins: number; now: Date }>(
        `select clock_timestamp() as now, count(*) filter (where has_device)::int as able,
                coalesce(max(open_logins), 0)::int as open_logins
           from (select exists (select from devices d
                                 where d.tenant_id = $1 and d.user_id = person.id and d.removed_at is null) as has_device,
                        (select count(*) from approvers p join approvals a on a.id = p.approval_id
                          where p.tenant_id = $1 and p.user_id = person.id and a.mode = 'login'
                            and a.status = 'pending' and a.expires_at > clock_timestamp()) as open_logins
                   from unnest($2::uuid[]) as person (id)) as people`,
        [tenantId, userIds],
      );
      const row = rows[0]!;
      return { able: row.able, openLogins: row.open_logins, nowMs: row.now.getTime() };
    },

    /** The open approvals that a user is asked for, by ascending id: the order of locks. */
    async listOpenIds(db: Queryable, tenantId: string, userId: string): Promise<string[]> {
      const { rows } = await db.query<{ id: string }>(
        `select a.id from approvers p join approvals a on a.id = p.approval_id
          where p.tenant_id = $1 and p.user_id = $2 and a.status = 'pending' order by a.id`,
        [tenantId, userId],
      );
      return rows.map((row) => row.id);
    },

    /** The signed answers, in the order in which they were judged. */
    async listAnswers(db: Queryable, tenantId: string, approvalId: string) {
      const { rows } = await db.query<{
        jws: string;
        device_id: string;
        user_id: string;
        decision: ApprovalDecision;
        received_at: Date;
      }>(`select * from answers where tenant_id = $1 and approval_id = $2 order by position`, [tenantId, approvalId]);
      return rows.map((row) => ({
        jws: row.jws,
        deviceId: row.device_id,
        userId: row.user_id,
        decision: row.decision,
        receivedAtMs: row.received_at.getTime(),
      }));
    },
  };
}
