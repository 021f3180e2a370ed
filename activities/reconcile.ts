import { log } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { ApprovalRows } from '../db/approvals';
import type { ApprovalWorkflows } from '../services/approvalWorkflows';
import type { Decisions } from '../services/decisions';

export interface ReconcileActivityDeps {
  pool: Pool;
  approvals: Pick<ApprovalRows, 'takeOverdue' | 'touch'>;
  decisions: Pick<Decisions, 'recordExpiry'>;
  workflows: Pick<ApprovalWorkflows, 'revive'>;
  onReconciled?: (kind: 'expired' | 'revived') => void;
}

const BATCH = 100;
/** Stops in time for the next run of the schedule. */
const BUDGET_MS = 8_000;

/** Takes up approvals that nobody accompanies: never started, signal lost, terminated, failed, retention passed. */
export function createReconcileActivities(deps: ReconcileActivityDeps) {
  const { pool, approvals, decisions, workflows, onReconciled } = deps;
  return {
    /** Repeatable: expiring and reviving are; what is taken and then lost with this process is due again in 20 s. */
    async reconcileApprovals(): Promise<number> {
      const endMs = performance.now() + BUDGET_MS;
      let revived = 0;
      while (performance.now() < endMs) {
        const overdue = await approvals.takeOverdue(pool, BATCH);
        for (const { id, tenantId, pastDeadline } of overdue) {
          if (pastDeadline) {
            await decisions.recordExpiry(tenantId, id);
            onReconciled?.('expired');
          }
          if (await workflows.revive({ tenantId, approvalId: id })) {
            onReconciled?.('revived');
            revived += 1;
          } else {
            await approvals.touch(pool, tenantId, id); // completed: nothing is left to accompany
          }
        }
        if (overdue.length < BATCH) break;
      }
      if (revived > 0) log.info('revived approvals', { revived });
      return revived;
    },
  };
}
export type ReconcileActivities = ReturnType<typeof createReconcileActivities>;
