import type { History } from '@temporalio/common/lib/proto-utils';

export interface HistoryCount {
  events: number;
  workflowTasks: number;
  actions: number;
}

/**
 * What a history costs. Actions by the rules of https://docs.temporal.io/cloud/actions: one for each workflow started,
 * timer started, signal received, search attributes upserted, and activity started or retried; the local activities of
 * one workflow task count as one together. (A local activity is retried within its task; each heartbeat of a task that
 * lasts would count again.)
 */
export function countOf({ events = [] }: History): HistoryCount {
  let actions = 0;
  let workflowTasks = 0;
  const tasksWithLocalActivities = new Set<string>();
  for (const event of events ?? []) {
    if (event.workflowTaskCompletedEventAttributes) workflowTasks += 1;
    if (event.workflowExecutionStartedEventAttributes) actions += 1;
    if (event.timerStartedEventAttributes) actions += 1;
    if (event.workflowExecutionSignaledEventAttributes) actions += 1;
    if (event.upsertWorkflowSearchAttributesEventAttributes) actions += 1;
    const started = event.activityTaskStartedEventAttributes;
    if (started) actions += started.attempt ?? 1;
    const marker = event.markerRecordedEventAttributes;
    if (marker?.markerName === 'core_local_activity') {
      tasksWithLocalActivities.add(String(marker.workflowTaskCompletedEventId));
    }
  }
  return { events: events?.length ?? 0, workflowTasks, actions: actions + tasksWithLocalActivities.size };
}
