import type { Keyring } from '../platform/keys/keyring';
import type {
  ApprovalDecision,
  ApprovalMode,
  ApprovalOutcome,
  ApprovalStatus,
  CallbackState,
  DenialReason,
  Pusher,
  PushState,
} from '../domain/approval';
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
  createdAtMs: number;
  expiresAtMs: number;
  decidedAtMs: number | null;
  approvers: readonly Approver[];
  /** The database's clock when this was read, in ms. */
  readAtMs: number;
}

export type NewApproval = Pick<
  Approval,
  | 'id'
  | 'tenantId'
  | 'mode'
  | 'required'
  | 'veto'
  | 'requestedBy'
  | 'shown'
  | 'shownDigest'
  | 'hiddenDetails'
  | 'nonce'
  | 'callbackUrl'
  | 'pushBy'
  | 'createdAtMs'
  | 'expiresAtMs'
> & { userIds: readonly string[] };

export interface Vote {
  approvalId: string;
  tenantId: string;
  userId: string;
  deviceId: string;
  decision: ApprovalDecision;
  reason: DenialReason | null;
  jws: string;
  atMs: number;
}

export interface PageOf {
  limit: number;
  after?: { createdAtMs: number; id: string };
}

/** By when a change has to be heard of from its workflow, before `reconcile` asks. */
const SOON = `clock_timestamp() + interval '5 seconds'`;

/** The same for a workflow that was just heard from: it waits for the deadline, or delivers, or has nothing left to do. */
const WHEN_NEXT = `case when status = 'pending' then expires_at + interval '5 seconds'
                        when callback_state = 'waiting' then clock_timestamp() + interval '2 minutes' end`;

/** What a status is by now: a deadline may have passed without anybody having written it down yet. */
const STATUS_NOW = `case when a.status = 'pending' and a.expires_at <= clock_timestamp() then 'expired' else a.status end`;

const columns = (from: string) => `
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
  created_at: Date;
  expires_at: Date;
  decided_at: Date | null;
  read_at: Date;
  approvers: Approver[];
}

/** Approvals, their approvers and answers. Texts are sealed on their way in and opened on their way out. */
export function createApprovalRows(keyring: Keyring) {
  const seal = (text: string, id: string) => keyring.encrypt('approval', text, id);
  const open = (sealed: Buffer, id: string) => keyring.decrypt('approval', sealed, id).toString('utf8');

  const toApproval = (row: Row): Approval => ({
    id: row.id,
    tenantId: row.tenant_id,
    mode: row.mode,
    required: row.required,
    veto: row.veto,
    requestedBy: row.requested_by,
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
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    decidedAtMs: row.decided_at?.getTime() ?? null,
    approvers: row.approvers,
    readAtMs: row.read_at.getTime(),
  });

  async function one(db: Queryable, sql: string, values: unknown[]): Promise<Approval | undefined> {
    const { rows } = await db.query<Row>(sql, values);
    return rows[0] && toApproval(rows[0]);
  }

  return {
    async insert(tx: Tx, approval: NewApproval): Promise<void> {
      const { id } = approval;
      await tx.query(
        `with approval as (
           insert into approvals (id, tenant_id, mode, required, shown, shown_digest, hidden_details, nonce,
                                  callback_url, push_by, push_state, created_at, expires_at, workflow_due_at,
                                  veto, requested_by)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case $10 when 'us' then 'waiting' else 'none' end,
                   $11, $12, ${SOON}, $14, $15)
           returning id, tenant_id
         )
         insert into approvers (approval_id, tenant_id, user_id, position)
         select approval.id, approval.tenant_id, person.id, person.position
           from approval, unnest($13::uuid[]) with ordinality as person (id, position)`,
        [
          id,
          approval.tenantId,
          approval.mode,
          approval.required,
          seal(approval.shown, id),
          approval.shownDigest,
          approval.hiddenDetails === null ? null : seal(approval.hiddenDetails, id),
          approval.nonce,
          approval.callbackUrl === null ? null : seal(approval.callbackUrl, id),
          approval.pushBy,
          new Date(approval.createdAtMs),
          new Date(approval.expiresAtMs),
          approval.userIds,
          approval.veto,
          approval.requestedBy,
        ],
      );
    },

    /** Also the read after the locks: one statement gives the approval, its people and the clock. */
    find: (db: Queryable, tenantId: string, id: string) =>
      one(db, `${columns('approvals')} where a.tenant_id = $1 and a.id = $2`, [tenantId, id]),

    /** Newest first. With a user the search starts at that person's approvals, not at all of the tenant's. */
    async list(db: Queryable, tenantId: string, filter: { userId?: string; status?: ApprovalStatus } & PageOf) {
      const ofUser = filter.userId === undefined ? '$2::uuid is null' : 'mine.tenant_id = $1 and mine.user_id = $2';
      const { rows } = await db.query<Row>(
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
      return rows.map(toApproval);
    },

    /** What waits for a device's person, oldest first; nothing for a device that was removed. */
    async listInbox(
      db: Queryable,
      { tenantId, userId, id: deviceId }: { tenantId: string; userId: string; id: string },
    ): Promise<Approval[]> {
      const { rows } = await db.query<Row>(
        `${columns('approvals')}
           join approvers mine on mine.approval_id = a.id
          where mine.tenant_id = $1 and mine.user_id = $2 and a.tenant_id = $1
            and a.status = 'pending' and a.expires_at > clock_timestamp()
            and exists (select from devices d where d.id = $3 and d.removed_at is null)
          order by a.created_at, a.id
          limit 100`,
        [tenantId, userId, deviceId],
      );
      return rows.map(toApproval);
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

    /** Holds the approval until the transaction ends; read it afterwards, with `find`. Answers how many it asks, or 0. */
    async lock(tx: Tx, tenantId: string, id: string): Promise<number> {
      const { rows } = await tx.query<{ people: number }>(
        `select (select count(*)::int from approvers p where p.approval_id = a.id) as people
           from approvals a where a.tenant_id = $1 and a.id = $2 for update`,
        [tenantId, id],
      );
      return rows[0]?.people ?? 0;
    },

    /**
     * Holds everybody who is asked, and the owner of a device, against removal; by ascending id, like a creation. So
     * whoever is removed before a decision is seen by it.
     */
    async lockPeople(tx: Tx, tenantId: string, id: string, deviceId: string): Promise<void> {
      await tx.query(
        `select u.id from users u
          where u.id in (select p.user_id from approvers p where p.tenant_id = $1 and p.approval_id = $2
                         union select d.user_id from devices d where d.tenant_id = $1 and d.id = $3)
          order by u.id for share of u`,
        [tenantId, id, deviceId],
      );
    },

    /** Takes people out of a locked approval. */
    async recordWithdrawals(
      tx: Tx,
      approval: Pick<Approval, 'tenantId' | 'id'>,
      userIds: readonly string[],
      atMs: number,
    ): Promise<void> {
      await tx.query(
        `update approvers
            set withdrawn_at = $4, withdrawn_after = (select count(*) from answers w where w.approval_id = $2)
          where tenant_id = $1 and approval_id = $2 and user_id = any($3)`,
        [approval.tenantId, approval.id, userIds, new Date(atMs)],
      );
    },

    /** A change that its workflow has to learn, of an approval that stays open. */
    async expectWorkflow(tx: Tx, { tenantId, id }: Pick<Approval, 'tenantId' | 'id'>): Promise<void> {
      await tx.query(`update approvals set workflow_due_at = ${SOON} where tenant_id = $1 and id = $2`, [tenantId, id]);
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

    async recordVote(tx: Tx, vote: Vote): Promise<void> {
      await tx.query(
        `with vote as (
           update approvers set decision = $5 where approval_id = $1 and user_id = $3
         )
         insert into answers (approval_id, tenant_id, user_id, device_id, decision, reason, jws, received_at, position)
         select $1, $2, $3, $4, $5, $6, $7, $8, count(*) + 1 from answers where approval_id = $1`,
        [
          vote.approvalId,
          vote.tenantId,
          vote.userId,
          vote.deviceId,
          vote.decision,
          vote.reason,
          vote.jws,
          new Date(vote.atMs),
        ],
      );
    },

    /** The one change of a status. The approval is locked and known to be pending; the clock was read after the lock. */
    async recordOutcome(
      tx: Tx,
      approval: Pick<Approval, 'tenantId' | 'id'>,
      outcome: { status: ApprovalOutcome; reason: DenialReason | null; atMs: number },
    ): Promise<void> {
      await tx.query(
        `update approvals
            set status = $3, reason = $4, decided_at = $5, workflow_due_at = ${SOON},
                push_state = case push_state when 'waiting' then 'none' else push_state end, -- nobody is to be pushed now
                callback_state = case when callback_url is null then 'none' else 'waiting' end
          where tenant_id = $1 and id = $2`,
        [approval.tenantId, approval.id, outcome.status, outcome.reason, new Date(outcome.atMs)],
      );
    },

    /** The read of a workflow: says at the same time that it was heard from. */
    touch: (db: Queryable, tenantId: string, id: string) =>
      one(
        db,
        `with touched as (
           update approvals set workflow_due_at = ${WHEN_NEXT} where tenant_id = $1 and id = $2 returning *
         ) ${columns('touched')}`,
        [tenantId, id],
      ),

    /** Notes how the push of a round went; a later round's state is left alone. */
    async recordPush(
      db: Queryable,
      approval: Pick<Approval, 'tenantId' | 'id' | 'pushRound'>,
      state: PushState,
    ): Promise<void> {
      await db.query(
        `update approvals set push_state = $4 where tenant_id = $1 and id = $2 and push_round = $3 and push_state <> $4`,
        [approval.tenantId, approval.id, approval.pushRound, state],
      );
    },

    async startPushRound(tx: Tx, tenantId: string, id: string): Promise<void> {
      await tx.query(
        `update approvals
            set push_round = push_round + 1, push_state = case push_by when 'us' then 'waiting' else 'none' end,
                workflow_due_at = ${SOON}
          where tenant_id = $1 and id = $2`,
        [tenantId, id],
      );
    },

    /** Ends the callback; false when it had ended before. */
    async recordCallback(db: Queryable, tenantId: string, id: string, state: 'delivered' | 'failed'): Promise<boolean> {
      const { rowCount } = await db.query(
        `update approvals set callback_state = $3, workflow_due_at = null
          where tenant_id = $1 and id = $2 and callback_state = 'waiting'`,
        [tenantId, id, state],
      );
      return rowCount === 1;
    },

    /** A callback that was kept has arrived after all. */
    async recordLateCallback(tx: Tx, tenantId: string, id: string): Promise<void> {
      await tx.query(
        `update approvals set callback_state = 'delivered'
          where tenant_id = $1 and id = $2 and callback_state = 'failed'`,
        [tenantId, id],
      );
    },

    /** Keeps a callback that nobody took, under the id that it was sent with. */
    async keepForLater(tx: Tx, tenantId: string, approvalId: string, deliveryId: string, error: string) {
      await tx.query(
        `insert into deliveries (id, tenant_id, approval_id, kind, target, last_error, due_at)
         values ($1, $2, $3::uuid, 'callback', 'callback-' || $3::uuid, $4, clock_timestamp()) on conflict (id) do nothing`,
        [deliveryId, tenantId, approvalId, error],
      );
    },

    /**
     * Takes approvals whose workflow should have been heard from, and gives them that much more time. `now()`, because a
     * clock that moves during the statement could not be looked up in the index: every open approval would be read.
     */
    async takeOverdue(
      db: Queryable,
      limit: number,
    ): Promise<{ id: string; tenantId: string; pastDeadline: boolean }[]> {
      const { rows } = await db.query<{ id: string; tenant_id: string; past: boolean }>(
        `update approvals set workflow_due_at = clock_timestamp() + interval '10 seconds'
          where id in (select id from approvals where workflow_due_at < now()
                        order by workflow_due_at limit $1 for update skip locked)
          returning id, tenant_id, status = 'pending' and expires_at <= clock_timestamp() as past`,
        [limit],
      );
      return rows.map((row) => ({ id: row.id, tenantId: row.tenant_id, pastDeadline: row.past }));
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
export type ApprovalRows = ReturnType<typeof createApprovalRows>;
