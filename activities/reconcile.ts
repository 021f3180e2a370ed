import { log } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { ApprovalRows } from '../db/approvals';
import type { Code, CodeRows } from '../db/codes';
import type { OnboardingRows } from '../db/onboardings';
import type { PhoneVerificationRows } from '../db/phoneVerifications';
import type { Overdue } from '../db/workflowDue';
import type { ApprovalWorkflows } from '../services/approvalWorkflows';
import type { CodeDeliveries } from '../services/codeDeliveries';
import type { Decisions } from '../services/decisions';
import type { OnboardingSteps } from '../services/onboardingSteps';
import type { OnboardingWorkflows } from '../services/onboardingWorkflows';
import type { PhoneVerifications } from '../services/phoneVerifications';
import type { PhoneVerificationWorkflows } from '../services/phoneVerificationWorkflows';
import type { WebhookDrains } from '../services/webhookDrains';
import type { Deliveries } from '../services/deliveries';

export interface ReconcileActivityDeps {
  pool: Pool;
  approvals: Pick<ApprovalRows, 'takeOverdue' | 'touch'>;
  decisions: Pick<Decisions, 'recordExpiry'>;
  workflows: Pick<ApprovalWorkflows, 'revive'>;
  onboardings: Pick<OnboardingRows, 'takeOverdue' | 'touch'>;
  onboardingSteps: Pick<OnboardingSteps, 'recordExpiry'>;
  onboardingWorkflows: Pick<OnboardingWorkflows, 'revive'>;
  phoneVerifications: Pick<PhoneVerificationRows, 'takeOverdue' | 'touch'>;
  verifications: Pick<PhoneVerifications, 'recordTime'>;
  phoneVerificationWorkflows: Pick<PhoneVerificationWorkflows, 'revive'>;
  codes: Pick<CodeRows, 'takeOverdue' | 'touch'>;
  codeDeliveries: Pick<CodeDeliveries, 'revive'>;
  deliveries: Pick<Deliveries, 'listOverdueTargets'>;
  drains: Pick<WebhookDrains, 'poke'>;
  onReconciled?: (kind: 'expired' | 'revived') => void;
}

/** So many at once: after an outage thousands are overdue, and one after the other they would be late. */
const BATCH = 20;
/** Each run; what is left over is found by one of the next. */
const MOST_TARGETS = 200;
/** Stops in time for the next run of the schedule. */
const BUDGET_MS = 6_000;

/** Takes up what nobody accompanies: never started, signal lost, terminated, failed, retention passed. */
export function createReconcileActivities(deps: ReconcileActivityDeps) {
  const { pool, approvals, decisions, workflows, onboardings, onboardingSteps, onboardingWorkflows } = deps;
  const { phoneVerifications, verifications, phoneVerificationWorkflows } = deps;
  const { codes, codeDeliveries, deliveries, drains, onReconciled } = deps;

  /**
   * Expires it where its deadline has passed. True when it has a workflow then; false when that has completed, or it needs
   * none: then nothing is left to accompany.
   */
  async function takeUp(
    pastDeadline: boolean,
    to: { expire?: () => Promise<unknown>; revive: () => Promise<boolean>; touch: () => Promise<unknown> },
  ): Promise<boolean> {
    if (pastDeadline) {
      await to.expire?.();
      onReconciled?.('expired');
    }
    if (await to.revive()) {
      onReconciled?.('revived');
      return true;
    }
    await to.touch();
    return false;
  }

  const takeUpApproval = (overdue: Overdue) => {
    const { tenantId, id } = overdue;
    return takeUp(overdue.pastDeadline, {
      expire: () => decisions.recordExpiry(tenantId, id),
      revive: () => workflows.revive({ tenantId, approvalId: id }),
      touch: () => approvals.touch(pool, tenantId, id),
    });
  };

  const takeUpOnboarding = (overdue: Overdue) => {
    const { tenantId, id } = overdue;
    return takeUp(overdue.pastDeadline, {
      expire: () => onboardingSteps.recordExpiry(tenantId, id),
      revive: () => onboardingWorkflows.revive({ tenantId, onboardingId: id }),
      touch: () => onboardings.touch(pool, tenantId, id),
    });
  };

  const takeUpVerification = (overdue: Overdue) =>
    takeUp(overdue.pastDeadline, {
      expire: () => verifications.recordTime(overdue),
      revive: () => phoneVerificationWorkflows.revive(overdue),
      touch: () => phoneVerifications.touch(pool, overdue),
    });

  /** What has expired is noted as failed by its workflow. */
  const takeUpCode = (code: Code) =>
    takeUp(false, {
      revive: () => codeDeliveries.revive(code),
      touch: () => codes.touch(pool, { tenantId: code.tenantId, codeId: code.id, generation: code.generation }),
    });

  return {
    /** Repeatable: expiring and reviving are; what is taken and then lost with this process is due again in 10 s. */
    reconcileApprovals: () => inBatches('approvals', () => approvals.takeOverdue(pool, BATCH), takeUpApproval),

    /** Repeatable: for the same reason. */
    reconcileOnboardings: () => inBatches('onboardings', () => onboardings.takeOverdue(pool, BATCH), takeUpOnboarding),

    /** Repeatable: for the same reason. */
    reconcilePhoneVerifications: () =>
      inBatches('phone verifications', () => phoneVerifications.takeOverdue(pool, BATCH), takeUpVerification),

    /** Repeatable: for the same reason. A code that has expired is not sent, but noted as failed. */
    reconcileCodes: () => inBatches('codes', () => codes.takeOverdue(pool, BATCH), takeUpCode),

    /** Repeatable: a drain that runs already only looks once more. */
    async reconcileDeliveries(): Promise<number> {
      const overdue = await deliveries.listOverdueTargets(MOST_TARGETS);
      const poked = await Promise.allSettled(overdue.map((target) => drains.poke(target)));
      const failed = poked.find((each) => each.status === 'rejected');
      if (failed) throw new Error('a drain could not be started', { cause: failed.reason });
      return overdue.length;
    },
  };
}

/** Takes up what is overdue until nothing is, or the time is over. Answers how many `takeUp` said true of. */
async function inBatches<T>(
  what: string,
  takeOverdue: () => Promise<T[]>,
  takeUp: (each: T) => Promise<boolean>,
): Promise<number> {
  const endMs = performance.now() + BUDGET_MS;
  let revived = 0;
  const failures: unknown[] = [];
  while (performance.now() < endMs) {
    const overdue = await takeOverdue();
    for (const taken of await Promise.allSettled(overdue.map(takeUp))) {
      if (taken.status === 'rejected') failures.push(taken.reason);
      else if (taken.value) revived += 1;
    }
    if (overdue.length < BATCH) break;
  }
  if (revived > 0) log.info(`revived ${what}`, { revived });
  // Only now: one that cannot be taken up must not keep the others from it.
  if (failures.length > 0) throw new Error(`${failures.length} could not be taken up`, { cause: failures[0] });
  return revived;
}

export type ReconcileActivities = ReturnType<typeof createReconcileActivities>;
