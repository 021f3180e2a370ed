import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { COUNTERSIGN_KIND } from '../platform/temporal/searchAttributes';
import { RECONCILE_EVERY_MS, RECONCILE_WORKFLOW } from '../workflows/reconcile.messages';

/** Makes sure that `reconcile` runs: creates its schedule where it is missing, and brings an older one up to date. */
export async function ensureSchedules(client: Client, prefix: string, taskQueue: string): Promise<void> {
  const scheduleId = `${prefix}-reconcile`;
  const schedule = {
    spec: { intervals: [{ every: RECONCILE_EVERY_MS }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: RECONCILE_WORKFLOW,
      workflowId: `${prefix}-reconcile`,
      taskQueue,
      args: [],
      typedSearchAttributes: [{ key: COUNTERSIGN_KIND, value: RECONCILE_WORKFLOW }],
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10 seconds' },
  };
  try {
    await client.schedule.create({ scheduleId, ...schedule });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update((before) => ({ ...before, ...schedule }));
  }
}
