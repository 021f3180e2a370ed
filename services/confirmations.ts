import type { Approval, ApprovalRows } from '../db/approvals';
import type { Onboarding, OnboardingRows } from '../db/onboardings';
import type { TenantRows } from '../db/tenants';
import type { Tx } from '../db/transaction';
import type { ApprovalOutcome } from '../domain/approval';
import { afterInsert, toNewApproval } from './newApprovals';
import type { Question } from './newApprovals';
import type { Ended, OnboardingEnds, Written } from './onboardingEnds';
import { topicOf, wakers } from './topics';

/** A person who is asked to confirm. The workflow of the approval is started after the commit. */
export interface Asked extends Written {
  onboarding: Onboarding;
  approval: Approval;
}

export interface ConfirmationDeps {
  approvals: Pick<ApprovalRows, 'insert'>;
  onboardings: Pick<OnboardingRows, 'lock' | 'advance'>;
  tenants: Pick<TenantRows, 'find'>;
  ends: OnboardingEnds;
}

const QUESTION: Question = {
  mode: 'transaction',
  title: 'Enable two-factor authentication',
  details: [],
  push: 'us',
  veto: false,
};

const NOTHING: Written = { events: [], wake: [] };

/**
 * The approvals by which people confirm that they want two-factor authentication. Everything here belongs to the caller's
 * transaction: the outcome of such an approval and the end of its onboarding are written together.
 */
export function createConfirmations({ approvals, onboardings, tenants, ends }: ConfirmationDeps) {
  /** Holds the onboarding that an approval confirms, and reads it where it still waits for this approval. */
  async function lockWaiting(tx: Tx, approval: Approval): Promise<Onboarding | undefined> {
    if (approval.onboardingId === null) return undefined;
    const onboarding = await onboardings.lock(tx, approval.tenantId, approval.onboardingId);
    const waits = onboarding?.status === 'waiting_for_confirmation' && onboarding.approvalId === approval.id;
    return waits ? onboarding : undefined;
  }

  return {
    /** Asks the person, until the onboarding's deadline. User and onboarding are locked. */
    async ask(tx: Tx, before: Onboarding): Promise<Asked> {
      const { id: onboardingId, tenantId, userId, expiresAtMs, readAtMs: nowMs } = before;
      const tenant = (await tenants.find(tx, tenantId))!;
      const asked = { userIds: [userId], required: 1, onboardingId, expiresAtMs, nowMs };
      const fresh = toNewApproval(tenant, QUESTION, asked);
      await approvals.insert(tx, fresh);
      const approval = afterInsert(fresh);
      const onboarding: Onboarding = {
        ...before,
        status: 'waiting_for_confirmation',
        approvalId: approval.id,
        linkState: before.linkState === 'waiting' ? 'none' : before.linkState, // it is superfluous now
      };
      await onboardings.advance(tx, onboarding);
      const data = { mode: approval.mode };
      return {
        onboarding,
        approval,
        events: [{ type: 'approval_created', userId, approvalId: approval.id, onboardingId, data }],
        wake: [...wakers(approval), topicOf(onboarding)],
      };
    },

    /** True when the outcome of this approval would still end its onboarding. */
    isAwaited: async (tx: Tx, approval: Approval): Promise<boolean> => (await lockWaiting(tx, approval)) !== undefined,

    /** Ends the onboarding that an approval confirms as the approval ends; one that has ended already stays so. */
    async close(tx: Tx, approval: Approval, outcome: ApprovalOutcome): Promise<Written> {
      const onboarding = await lockWaiting(tx, approval);
      return onboarding ? end(tx, onboarding, outcome, approval.readAtMs) : NOTHING;
    },
  };

  function end(tx: Tx, onboarding: Onboarding, outcome: ApprovalOutcome, atMs: number): Promise<Ended> {
    switch (outcome) {
      case 'approved':
        return ends.enable(tx, onboarding, 'push', atMs);
      case 'denied':
        return ends.cancel(tx, onboarding, 'denied', atMs);
      case 'expired':
        return ends.expire(tx, onboarding, atMs);
      case 'cancelled':
        return ends.cancel(tx, onboarding, 'confirmation_cancelled', atMs);
    }
  }
}
export type Confirmations = ReturnType<typeof createConfirmations>;
