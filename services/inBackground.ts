import type { Client } from '@temporalio/client';

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

/** Talks to Temporal without anybody waiting for it: rows decide, and `reconcile` repairs what was not told. */
export function createBackground({ client, onFailure }: Pick<Engine, 'client' | 'onFailure'>) {
  let inFlight = 0;
  return (call: (temporal: Client) => Promise<unknown>): void => {
    const temporal = client();
    if (!temporal || inFlight >= MOST_IN_FLIGHT) return;
    inFlight += 1;
    call(temporal)
      .catch((error: unknown) => onFailure?.(error))
      .finally(() => (inFlight -= 1));
  };
}
