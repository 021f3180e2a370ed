import { log } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { ApprovalRows } from '../db/approvals';
import type { ApprovalWorkflows } from '../services/approvalWorkflows';
import type { Decisions } from '../services/decisions';
import type { WebhookDrains } from '../services/webhookDrains';
import type { Webhooks } from '../services/webhooks';

export interface ReconcileActivityDeps {
  pool: Pool;
  approvals: Pick<ApprovalRows, 'takeOverdue' | 'touch'>;
  decisions: Pick<Decisions, 'recordExpiry'>;
  workflows: Pick<ApprovalWorkflows, 'revive'>;
  webhooks: Pick<Webhooks, 'listOverdueTargets'>;
  drains: Pick<WebhookDrains, 'poke'>;
  onReconciled?: (kind: 'expired' | 'revived') => void;
}

/** So many at once: after an outage thousands are overdue, and one after the other they would be late. */
const BATCH = 20;
/** Each run; what is left over is found by one of the next. */
const MOST_TARGETS = 200;
/** Stops in time for the next run of the schedule. */
const BUDGET_MS = 6_000;

/** Takes up approvals that nobody accompanies: never started, signal lost, terminated, failed, retention passed. */
export function createReconcileActivities(deps: ReconcileActivityDeps) {
  const { pool, approvals, decisions, workflows, webhooks, drains, onReconciled } = deps;

  /** True when it has a workflow now; false when that has completed. */
  async function takeUp({ id, tenantId, pastDeadline }: Overdue): Promise<boolean> {
    if (pastDeadline) {
      await decisions.recordExpiry(tenantId, id);
      onReconciled?.('expired');
    }
    if (await workflows.revive({ tenantId, approvalId: id })) {
      onReconciled?.('revived');
      return true;
    }
    await approvals.touch(pool, tenantId, id); // nothing is left to accompany
    return false;
  }

  return {
    /** Repeatable: expiring and reviving are; what is taken and then lost with this process is due again in 10 s. */
    async reconcileApprovals(): Promise<number> {
      const endMs = performance.now() + BUDGET_MS;
      let revived = 0;
      const failures: unknown[] = [];
      while (performance.now() < endMs) {
        const overdue = await approvals.takeOverdue(pool, BATCH);
        for (const taken of await Promise.allSettled(overdue.map(takeUp))) {
          if (taken.status === 'rejected') failures.push(taken.reason);
          else if (taken.value) revived += 1;
        }
        if (overdue.length < BATCH) break;
      }
      if (revived > 0) log.info('revived approvals', { revived });
      // Only now: one that cannot be taken up must not keep the others from it.
      if (failures.length > 0) throw new Error(`${failures.length} could not be taken up`, { cause: failures[0] });
      return revived;
    },

    /** Repeatable: a drain that runs already only looks once more. */
    async reconcileDeliveries(): Promise<number> {
      const overdue = await webhooks.listOverdueTargets(MOST_TARGETS);
      const poked = await Promise.allSettled(overdue.map((target) => drains.poke(target)));
      const failed = poked.find((each) => each.status === 'rejected');
      if (failed) throw new Error('a drain could not be started', { cause: failed.reason });
      return overdue.length;
    },
  };
}
type Overdue = Awaited<ReturnType<ApprovalRows['takeOverdue']>>[number];
export type ReconcileActivities = ReturnType<typeof createReconcileActivities>;
