import { WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { COUNTERSIGN_KIND, COUNTERSIGN_TENANT } from '../platform/temporal/searchAttributes';

export interface Engine {
  /** Undefined while Temporal is away. */
  client: () => Client | undefined;
  /** Where workflows run. */
  taskQueue: string;
  onFailure?: (error: unknown) => void;
}

/** Calls to Temporal in flight, per kind of workflow and process; beyond that they are left to `reconcile`. */
const MOST_IN_FLIGHT = 200;

/** After a killed worker its workflow tasks wait this long before another worker gets them. */
export const WORKFLOW_TASK_TIMEOUT = '5 seconds';

/** What tells the workflows of a kind apart, and where they are found. */
export const searchAttributesOf = (tenantId: string, type: string) => [
  { key: COUNTERSIGN_TENANT, value: tenantId },
  { key: COUNTERSIGN_KIND, value: type },
];

/**
 * Starts the workflows that accompany rows of one kind, and tells them what happened. Nobody waits for it: rows decide, and
 * `reconcile` revives what was not started or told.
 */
export function createAccompaniment<I extends { tenantId: string }>(
  { client, taskQueue, onFailure }: Engine,
  { type, idOf }: { type: string; idOf: (input: I) => string },
) {
  let inFlight = 0;
  function inBackground(call: (temporal: Client) => Promise<unknown>): void {
    const temporal = client();
    if (!temporal || inFlight >= MOST_IN_FLIGHT) return;
    inFlight += 1;
    call(temporal)
      .catch((error: unknown) => onFailure?.(error))
      .finally(() => (inFlight -= 1));
  }

  const options = (input: I, staticSummary: string) => ({
    workflowId: idOf(input),
    taskQueue,
    args: [input] as [I],
    // A terminated or failed one may start again, a completed one never.
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    typedSearchAttributes: searchAttributesOf(input.tenantId, type),
    staticSummary,
  });

  async function unlessThere(start: (temporal: Client) => Promise<unknown>): Promise<boolean> {
    const temporal = client();
    if (!temporal) throw new Error('Temporal is away');
    try {
      await start(temporal);
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  return {
    /** In the background; in the process that took the request, where that runs workflows too. */
    start: (input: I, summary: string): void =>
      inBackground((temporal) =>
        temporal.workflow.start(type, { ...options(input, summary), requestEagerStart: true }),
      ),

    /** In the background. */
    tell: (input: I, signal: string, ...args: unknown[]): void =>
      inBackground((temporal) => temporal.workflow.getHandle(idOf(input)).signal(signal, ...args)),

    /** Starts it where there is none, and makes it look at its row; false when it has completed. @throws what Temporal says */
    revive: (input: I, summary: string): Promise<boolean> =>
      unlessThere((temporal) =>
        temporal.workflow.signalWithStart(type, { ...options(input, summary), signal: 'look', signalArgs: [] }),
      ),

    /** The same for a kind that takes no signals; false also when there is one. @throws what Temporal says */
    restart: (input: I, summary: string): Promise<boolean> =>
      unlessThere((temporal) => temporal.workflow.start(type, options(input, summary))),
  };
}
