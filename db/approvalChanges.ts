import type { Keyring } from '../platform/keys/keyring';
import type { ApprovalDecision, ApprovalOutcome, CallbackState, DenialReason, PushState } from '../domain/approval';
import { columns, createApprovalQuery } from './approvalReading';
import type { Approval } from './approvalReading';
import type { Queryable, Tx } from './transaction';
import { SOON, takeOverdue } from './workflowDue';

export type NewApproval = Pick<
  Approval,
  | 'id'
  | 'tenantId'
  | 'mode'
  | 'required'
  | 'veto'
  | 'requestedBy'
  | 'onboardingId'
  | 'shown'
  | 'shownDigest'
  | 'hiddenDetails'
  | 'nonce'
  | 'callbackUrl'
  | 'pushBy'
  | 'oneTouch'
  | 'createdAtMs'
  | 'expiresAtMs'
> & {
  userIds: readonly string[];
  /** Says all that was asked: an equal one soon after is a repeat. */
  repeatKey: string | null;
};

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

/** What is told of an approval when it is locked. */
export interface Locked {
  people: number;
  onboardingId: string | null;
}

/** As SOON, for a workflow that was just heard from: it waits for the deadline, or delivers, or has nothing left to do. */
const WHEN_NEXT = `case when status = 'pending' then expires_at + interval '5 seconds'
                        when callback_state = 'waiting' then clock_timestamp() + interval '2 minutes' end`;

/** How approvals, their approvers and answers are changed. Texts are sealed on their way in. */
export function createApprovalChanges(keyring: Keyring) {
  const many = createApprovalQuery(keyring);
  const seal = (text: string, id: string) => keyring.encrypt('approval', text, id);

  return {
    async insert(tx: Tx, approval: NewApproval): Promise<void> {
      const { id } = approval;
      await tx.query(
        `with approval as (
           insert into approvals (id, tenant_id, mode, required, shown, shown_digest, hidden_details, nonce,
                                  callback_url, push_by, push_state, created_at, expires_at, workflow_due_at,
                                  veto, requested_by, onboarding_id, one_touch, repeat_key)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case $10 when 'us' then 'waiting' else 'none' end,
                   $11, $12, ${SOON}, $14, $15, $16, $17, $18)
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
          approval.onboardingId,
          approval.oneTouch === null ? null : seal(JSON.stringify(approval.oneTouch), id),
          approval.repeatKey,
        ],
      );
    },

    /**
     * Holds the approval until the transaction ends; read it afterwards, with `find`. Answers how many it asks, and which
     * onboarding it confirms; undefined where there is none.
     */
    async lock(tx: Tx, tenantId: string, id: string): Promise<Locked | undefined> {
      const { rows } = await tx.query<{ people: number; onboarding_id: string | null }>(
        `select a.onboarding_id, (select count(*)::int from approvers p where p.approval_id = a.id) as people
           from approvals a where a.tenant_id = $1 and a.id = $2 for update`,
        [tenantId, id],
      );
      return rows[0] && { people: rows[0].people, onboardingId: rows[0].onboarding_id };
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
      outcome: { status: ApprovalOutcome; reason: DenialReason | null; callback: CallbackState; atMs: number },
    ): Promise<void> {
      await tx.query(
        `update approvals
            set status = $3, reason = $4, decided_at = $5, workflow_due_at = ${SOON},
                push_state = case push_state when 'waiting' then 'none' else push_state end, -- nobody is to be pushed now
                callback_state = $6
          where tenant_id = $1 and id = $2`,
        [approval.tenantId, approval.id, outcome.status, outcome.reason, new Date(outcome.atMs), outcome.callback],
      );
    },

    /** The read of a workflow: says at the same time that it was heard from. */
    async touch(db: Queryable, tenantId: string, id: string): Promise<Approval | undefined> {
      const touched = await many(
        db,
        `with touched as (
           update approvals set workflow_due_at = ${WHEN_NEXT} where tenant_id = $1 and id = $2 returning *
         ) ${columns('touched')}`,
        [tenantId, id],
      );
      return touched[0];
    },

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

    takeOverdue: (db: Queryable, limit: number) => takeOverdue(db, 'approvals', `status = 'pending'`, limit),
  };
}
