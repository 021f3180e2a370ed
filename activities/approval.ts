import { ApplicationFailure, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { Health } from '../channels/health';
import type { Approval, ApprovalRows } from '../db/approvals';
import { recordEvents } from '../db/events';
import { inTransaction } from '../db/transaction';
import { progressOf } from '../domain/approval';
import { DomainError } from '../domain/errors';
import type { CallbackSender } from '../services/callbacks';
import type { Decisions } from '../services/decisions';
import { wakers } from '../services/topics';
import type { CallbackState, PushState } from '../domain/approval';
import { isId } from '../services/text';
import type { ApprovalInput, ApprovalState, PushRound, SignedAnswer } from '../workflows/approval.messages';
import type { MayTry, Pushing } from './pushing';
import { QUICK_MS, within } from './within';

export interface ApprovalActivityDeps {
  pool: Pool;
  approvals: Pick<ApprovalRows, 'touch' | 'find' | 'recordPush' | 'recordCallback' | 'keepForLater'>;
  decisions: Decisions;
  callbacks: CallbackSender;
  pushing: Pushing;
  health: Health;
  onCallback?: (result: 'delivered' | 'failed') => void;
}

/** What the workflow `approval` does to the world. */
export function createApprovalActivities(deps: ApprovalActivityDeps) {
  const { pool, approvals, decisions, callbacks, pushing, health, onCallback } = deps;

  /** Reads the row, which says at the same time that its workflow is alive. */
  async function touch({ tenantId, approvalId }: ApprovalInput): Promise<Approval> {
    const approval = isId(tenantId) && isId(approvalId) && (await approvals.touch(pool, tenantId, approvalId));
    // A workflow that somebody started by hand ends here, instead of asking for ever for a row that never comes.
    if (!approval) throw ApplicationFailure.nonRetryable('there is no such approval', 'approval_not_found');
    return approval;
  }

  /** Pushes to every phone of everybody who has not answered; throws when a phone could not be reached. */
  async function push(approval: Approval, mayTry: MayTry): Promise<PushState> {
    const { tenantId, id: approvalId, pushRound } = approval;
    const waiting = approval.approvers
      .filter(({ decision, withdrawnAtMs }) => decision === null && withdrawnAtMs === null)
      .map(({ userId }) => userId);
    const keyOf = (deviceId: string) => `push:${approvalId}:${deviceId}:${pushRound}`;
    const state = await pushing.push(waiting, { tenantId, approvalId, about: 'asked', keyOf }, mayTry);
    await approvals.recordPush(pool, approval, state);
    return state;
  }

  /** Pushes to the phones of all who were asked that it is decided; not to the phone that decided it. */
  async function pushOutcome(approval: Approval, mayTry: MayTry): Promise<void> {
    const { tenantId, id: approvalId, decidedAtMs, pushBy } = approval;
    if (pushBy !== 'us' || decidedAtMs === null) return;
    const told = approval.approvers.filter((person) => person.withdrawnAtMs === null).map(({ userId }) => userId);
    const { reachable } = await pushing.findPhones(tenantId, told);
    const others = reachable.filter(
      (phone) => !approval.approvers.some((by) => by.deviceId === phone.id && by.answeredAtMs === decidedAtMs),
    );
    const keyOf = (deviceId: string) => `decided:${approvalId}:${deviceId}`;
    await pushing.sendTo(others, { tenantId, approvalId, about: 'decided', keyOf }, mayTry);
  }

  /** Answers with the approval as it stands, whatever the change was refused for: a workflow is never refused. */
  async function asItStands(input: ApprovalInput, change: () => Promise<unknown>): Promise<ApprovalState> {
    const before = await touch(input);
    if (before.status !== 'pending') return toState(before);
    try {
      await change();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      log.info('an answer did not count', { code: error.code });
    }
    return toState(await touch(input));
  }

  return {
    /** Repeatable: a gateway drops a second push with the same key. Reads the row and tries the push once, quickly. */
    async begin(input: ApprovalInput): Promise<ApprovalState> {
      const approval = await touch(input);
      const state = toState(approval);
      if (approval.status !== 'pending' || approval.pushState !== 'waiting') return state;
      try {
        const pushed = await within(
          QUICK_MS,
          push(approval, (kind) => health.answeredWell(`push:${kind}`)),
        );
        return { ...state, push: { state: pushed, round: approval.pushRound } };
      } catch {
        return state; // patience takes over, in sight of the operators
      }
    },

    /** Repeatable: for the same reason. Answers which round it pushed; null once the approval is decided. */
    async notifyDevices(input: ApprovalInput): Promise<PushRound | null> {
      const approval = await approvals.find(pool, input.tenantId, input.approvalId);
      if (approval?.status !== 'pending') return null;
      return { state: await push(approval, () => true), round: approval.pushRound };
    },

    /** Repeatable: the second time the state is there already. A later round has not failed yet. */
    async recordPushFailure({ round, ...input }: ApprovalInput & Pick<PushRound, 'round'>): Promise<void> {
      const approval = await approvals.find(pool, input.tenantId, input.approvalId);
      if (approval?.pushState !== 'waiting' || approval.pushRound !== round) return;
      await inTransaction(pool, async (tx) => {
        await approvals.recordPush(tx, approval, 'failed');
        await recordEvents(
          tx,
          input.tenantId,
          [{ type: 'push_failed', approvalId: input.approvalId }],
          wakers(approval),
        );
      });
    },

    /** Repeatable: for the same reason. One quick try; false when it needs patience. */
    async tryToTellApprovers(input: ApprovalInput): Promise<boolean> {
      const approval = await touch(input);
      try {
        await within(
          QUICK_MS,
          pushOutcome(approval, (kind) => health.answeredWell(`push:${kind}`)),
        );
        return true;
      } catch {
        return false;
      }
    },

    /** Repeatable: for the same reason. */
    async tellApprovers(input: ApprovalInput): Promise<void> {
      const approval = await approvals.find(pool, input.tenantId, input.approvalId);
      if (approval) await pushOutcome(approval, () => true);
    },

    /** Repeatable: an answer that is written already, or refused, leaves the approval as it stands. */
    recordAnswer: ({ answer, ...input }: ApprovalInput & SignedAnswer): Promise<ApprovalState> =>
      asItStands(input, () => decisions.recordAnswer(input.approvalId, answer)),

    /** Repeatable: only what is pending and past its deadline expires. */
    recordExpiry: (input: ApprovalInput): Promise<ApprovalState> =>
      asItStands(input, () => decisions.recordExpiry(input.tenantId, input.approvalId)),

    /** Repeatable: only what is pending is cancelled. */
    recordCancellation: (input: ApprovalInput): Promise<ApprovalState> =>
      asItStands(input, () => decisions.recordCancellation(input.tenantId, input.approvalId)),

    /** Repeatable: every attempt carries the same webhook-id. One quick try; `waiting` when it needs patience. */
    async tryCallback(input: ApprovalInput): Promise<CallbackState> {
      const approval = await touch(input);
      if (approval.callbackState !== 'waiting') return approval.callbackState;
      if (!health.answeredWell(callbacks.endpointOf(approval))) return 'waiting';
      try {
        return await within(QUICK_MS, deliver(approval));
      } catch {
        return 'waiting';
      }
    },

    /** Repeatable: every attempt carries the same webhook-id. */
    async deliverCallback(input: ApprovalInput): Promise<CallbackState> {
      const approval = await touch(input);
      return approval.callbackState === 'waiting' ? deliver(approval) : approval.callbackState;
    },

    /** Repeatable: the row that keeps the callback has the id of the callback. */
    async keepCallback({ reason, ...input }: ApprovalInput & { reason: string }): Promise<CallbackState> {
      const approval = await touch(input);
      if (approval.callbackState !== 'waiting') return approval.callbackState;
      const { tenantId, id } = approval;
      await inTransaction(pool, async (tx) => {
        if (!(await approvals.recordCallback(tx, tenantId, id, 'failed'))) return;
        await approvals.keepForLater(tx, tenantId, id, callbacks.idOf(approval), reason);
        await recordEvents(
          tx,
          tenantId,
          [{ type: 'callback_failed', approvalId: id }],
          [...wakers(approval), { kind: 'delivery', id: `${tenantId}/callback-${id}` }],
        );
      });
      return 'failed';
    },
  };

  async function deliver(approval: Approval): Promise<CallbackState> {
    const endpoint = callbacks.endpointOf(approval);
    try {
      await callbacks.send(approval);
      health.succeeded(endpoint);
      onCallback?.('delivered');
    } catch (error) {
      health.failed(endpoint);
      onCallback?.('failed');
      throw error;
    }
    await approvals.recordCallback(pool, approval.tenantId, approval.id, 'delivered');
    return 'delivered';
  }
}
export type ApprovalActivities = ReturnType<typeof createApprovalActivities>;

function toState(approval: Approval): ApprovalState {
  return {
    id: approval.id,
    status: approval.status,
    expiresAt: new Date(approval.expiresAtMs).toISOString(),
    remainingMs: Math.max(0, approval.expiresAtMs - approval.readAtMs),
    push: { state: approval.pushState, round: approval.pushRound },
    callback: { state: approval.callbackState },
    progress: { ...progressOf(approval), asked: approval.approvers.length },
  };
}
