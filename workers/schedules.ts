import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { COUNTERSIGN_KIND } from '../platform/temporal/searchAttributes';
import { RECONCILE_EVERY_MS, RECONCILE_WORKFLOW } from '../workflows/reconcile.messages';
import { RETENTION_EVERY_MS, RETENTION_WORKFLOW } from '../workflows/retention.messages';

const SCHEDULED = [
  // Its activities take 10 s at most. One that does not get on, as when an upgrade finds it half done, must not keep back
  // those after it; it has nothing to run at its end.
  { workflowType: RECONCILE_WORKFLOW, every: RECONCILE_EVERY_MS, workflowRunTimeout: 30_000 },
  { workflowType: RETENTION_WORKFLOW, every: RETENTION_EVERY_MS },
];

/** Makes sure that `reconcile` and `retention` run: creates their schedules, and brings older ones up to date. */
export async function ensureSchedules(client: Client, prefix: string, taskQueue: string): Promise<void> {
  for (const { workflowType, every, ...limits } of SCHEDULED) {
    const scheduleId = `${prefix}-${workflowType}`;
    const schedule = {
      spec: { intervals: [{ every }] },
      action: {
        type: 'startWorkflow' as const,
        workflowType,
        workflowId: scheduleId,
        taskQueue,
        args: [],
        ...limits,
        typedSearchAttributes: [{ key: COUNTERSIGN_KIND, value: workflowType }],
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 10_000 },
    };
    try {
      await client.schedule.create({ scheduleId, ...schedule });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      const handle = client.schedule.getHandle(scheduleId);
      const { spec, action, policies } = await handle.describe();
      // An update would also write back whether it is paused, against somebody who changes that meanwhile.
      if (holds(JSON.parse(JSON.stringify({ spec, action, policies })), schedule)) continue;
      await handle.update((before) => ({ ...before, ...schedule }));
    }
  }
  // Temporal may have been away for long: what waits for it should not wait for the next round too.
  await client.schedule.getHandle(`${prefix}-${RECONCILE_WORKFLOW}`).trigger(ScheduleOverlapPolicy.SKIP);
}

/** True when everything wanted is there; what the server adds is looked over. */
function holds(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return found === wanted;
  if (typeof found !== 'object' || found === null) return false;
  return Object.entries(wanted).every(([name, value]) => holds((found as Record<string, unknown>)[name], value));
}
