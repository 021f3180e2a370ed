import type { Pool } from 'pg';
import type { ApprovalRows } from '../db/approvals';
import { recordEvents } from '../db/events';
import type { Onboarding, OnboardingRows } from '../db/onboardings';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { UserRows } from '../db/users';
import { MOST_RESENDS } from '../domain/approval';
import { DomainError } from '../domain/errors';
import type { NewEvent } from '../domain/event';
import { isOpen, isOverdue, MOST_LINKS } from '../domain/onboarding';
import type { ApprovalWorkflows } from './approvalWorkflows';
import type { Decisions } from './decisions';
import type { InstallLinks } from './installLinks';
import type { Ended, OnboardingEnds, Written } from './onboardingEnds';
import type { SendLimits } from './sendLimits';
import { topicOf, wakers } from './topics';

export interface OnboardingStepDeps {
  pool: Pool;
  onboardings: OnboardingRows;
  approvals: Pick<ApprovalRows, 'lock' | 'find' | 'startPushRound'>;
  users: Pick<UserRows, 'find'>;
  decisions: Pick<Decisions, 'recordExpiry' | 'recordCancellation'>;
  approvalWorkflows: Pick<ApprovalWorkflows, 'tell'>;
  ends: OnboardingEnds;
  installLinks: Pick<InstallLinks, 'canBeSent'>;
  sendLimits: Pick<SendLimits, 'count'>;
}

interface Reminded extends Written {
  onboarding: Onboarding;
}

/** What happens to an onboarding without the person: each is one transaction or two, and safe to repeat. */
export function createOnboardingSteps(deps: OnboardingStepDeps) {
  const { pool, onboardings, approvals, users, decisions, approvalWorkflows, ends, installLinks, sendLimits } = deps;

  async function find(tenantId: string, id: string): Promise<Onboarding> {
    const onboarding = await onboardings.find(pool, tenantId, id);
    if (!onboarding) throw new DomainError('onboarding_not_found');
    return onboarding;
  }

  /** Ends it where `end` says so, under the lock; answers with it as it stands then. */
  const ending = (
    tenantId: string,
    id: string,
    end: (tx: Tx, before: Onboarding) => Promise<Ended | undefined>,
  ): Promise<Onboarding> =>
    inTransaction(pool, async (tx) => {
      const before = await onboardings.lock(tx, tenantId, id);
      if (!before) throw new DomainError('onboarding_not_found');
      const ended = isOpen(before) ? await end(tx, before) : undefined;
      if (!ended) return before;
      await recordEvents(tx, tenantId, ended.events, ended.wake);
      return ended.onboarding;
    });

  /** Cancels the approval that was to confirm it, which nobody needs any more. */
  async function closeConfirmation({ tenantId, approvalId, status }: Onboarding): Promise<void> {
    if (approvalId === null || status === 'enabled') return;
    await decisions.recordCancellation(tenantId, approvalId);
    approvalWorkflows.tell({ tenantId, approvalId }, 'cancel');
  }

  /** Writes the expiry if the database's clock says so; answers with the onboarding as it stands. */
  async function recordExpiry(tenantId: string, id: string): Promise<Onboarding> {
    const seen = await find(tenantId, id);
    if (!isOverdue(seen, seen.readAtMs)) return seen;
    // Both expire at the same time, in the transaction of the approval: that is locked first.
    if (seen.approvalId !== null) await decisions.recordExpiry(tenantId, seen.approvalId);
    return ending(tenantId, id, async (tx, before) =>
      isOverdue(before, before.readAtMs) ? ends.expire(tx, before) : undefined,
    );
  }

  /** Sends the link once more where one can be sent, or says that there were too many. */
  async function remindByLink(tx: Tx, before: Onboarding, mayText: boolean): Promise<Reminded> {
    const { tenantId, userId, id: onboardingId, linkState, linkRound } = before;
    const noted: Onboarding = { ...before, remindAtMs: null };
    const user = await users.find(tx, tenantId, userId);
    if (linkRound >= MOST_LINKS || !user || !installLinks.canBeSent(before, user)) {
      return { onboarding: noted, events: [], wake: [] };
    }
    if (mayText) {
      await sendLimits.count(tx, tenantId, { phone: user.phone! });
      return { onboarding: { ...noted, linkState: 'waiting', linkRound: linkRound + 1 }, events: [], wake: [] };
    }
    // One that is still on its way is not given up for it.
    if (linkState === 'waiting') return { onboarding: noted, events: [], wake: [] };
    const failed: NewEvent = { type: 'install_link_failed', userId, onboardingId };
    return { onboarding: { ...noted, linkState: 'failed' }, events: [failed], wake: [] };
  }

  /** What a reminder does beside being noted. The approval, where there is one, is locked. */
  async function remind(tx: Tx, before: Onboarding, mayText: boolean): Promise<Reminded> {
    const nothingMore = { onboarding: { ...before, remindAtMs: null }, events: [], wake: [] };
    const { tenantId, id: onboardingId, approvalId, status } = before;
    if (status === 'waiting_for_device') return remindByLink(tx, before, mayText);
    if (status !== 'waiting_for_confirmation' || approvalId === null) return nothingMore;
    const approval = (await approvals.find(tx, tenantId, approvalId))!;
    if (approval.status !== 'pending' || approval.pushRound >= MOST_RESENDS) return nothingMore;
    await approvals.startPushRound(tx, tenantId, approvalId);
    return {
      ...nothingMore,
      events: [{ type: 'approval_resent', approvalId, onboardingId }],
      wake: wakers(approval),
    };
  }

  const writeReminder = ({ tenantId, id, approvalId }: Onboarding, mayText: boolean): Promise<Reminded> =>
    inTransaction(pool, async (tx) => {
      if (approvalId !== null) await approvals.lock(tx, tenantId, approvalId);
      const before = (await onboardings.lock(tx, tenantId, id))!;
      const isDue = isOpen(before) && before.remindAtMs !== null && before.readAtMs >= before.remindAtMs;
      // A confirmation that began a moment ago is not locked: the next look reminds.
      if (!isDue || isOverdue(before, before.readAtMs) || before.approvalId !== approvalId) {
        return { onboarding: before, events: [], wake: [] };
      }
      const reminded = await remind(tx, before, mayText);
      await onboardings.advance(tx, reminded.onboarding);
      const { userId, status } = before;
      const event: NewEvent = { type: 'onboarding_reminded', userId, onboardingId: id, data: { status } };
      await recordEvents(tx, tenantId, [event, ...reminded.events], [topicOf(before), ...reminded.wake]);
      return reminded;
    });

  /** Reminds once, at the time that the row says; answers with the onboarding as it stands. */
  async function recordReminder(tenantId: string, id: string): Promise<Onboarding> {
    const seen = await find(tenantId, id);
    const { onboarding, events } = await writeReminder(seen, true).catch((error: unknown) => {
      // What was counted before the refusal is rolled back; nobody is there to be refused, so it is noted.
      if (error instanceof DomainError && error.code === 'too_many_requests') return writeReminder(seen, false);
      throw error;
    });
    for (const { approvalId } of events) if (approvalId) approvalWorkflows.tell({ tenantId, approvalId }, 'look');
    return onboarding;
  }

  return {
    recordExpiry,
    closeConfirmation,

    /** What is due by the database's clock: it expires, or reminds, or is left as it is. */
    async recordTime(tenantId: string, id: string): Promise<Onboarding> {
      const seen = await recordExpiry(tenantId, id);
      return isOpen(seen) ? recordReminder(tenantId, id) : seen;
    },

    /** Cancels what is still open (past its deadline: expires it); answers with the onboarding as it stands. */
    async recordCancellation(tenantId: string, id: string): Promise<Onboarding> {
      const onboarding = await ending(tenantId, id, (tx, before) => ends.cancel(tx, before, 'requested'));
      await closeConfirmation(onboarding);
      return onboarding;
    },
  };
}
export type OnboardingSteps = ReturnType<typeof createOnboardingSteps>;
