import { WorkflowIdReusePolicy } from '@temporalio/client';
import type { Notifications } from '../db/notifications';
import { drainWorkflowId, WEBHOOK_DRAIN_WORKFLOW } from '../workflows/webhookDrain.messages';
import type { DrainInput } from '../workflows/webhookDrain.messages';
import { searchAttributesOf, WORKFLOW_TASK_TIMEOUT } from './accompaniment';
import type { Engine } from './accompaniment';

export interface WebhookDrains {
  /** Makes sure that a target is being drained. @throws what Temporal says */
  poke(target: DrainInput): Promise<void>;
  /** Pokes whatever becomes due, until the returned function is called. Lost notifications are left to `reconcile`. */
  followDeliveries(notifications: Pick<Notifications, 'listenToAll'>): () => void;
}

/** Pokes in flight, per process; beyond that they are left to `reconcile`. */
const MOST_IN_FLIGHT = 200;

/** Starts and pokes the workflows that tell endpoints what is due. */
export function createWebhookDrains({ client, taskQueue, onFailure }: Engine): WebhookDrains {
  /** Pokes of one target are merged: while one is under way, at most one more follows it. */
  const underWay = new Map<string, { again: boolean }>();

  async function poke(input: DrainInput): Promise<void> {
    const temporal = client();
    if (!temporal) throw new Error('Temporal is away');
    await temporal.workflow.signalWithStart(WEBHOOK_DRAIN_WORKFLOW, {
      workflowId: drainWorkflowId(input),
      taskQueue,
      args: [input],
      signal: 'poke',
      signalArgs: [],
      // It ends whenever nothing is due, and starts again with the next event.
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      typedSearchAttributes: searchAttributesOf(input.tenantId, WEBHOOK_DRAIN_WORKFLOW),
      staticSummary: 'Tells an endpoint what happened',
    });
  }

  async function pokeMerged(id: string): Promise<void> {
    const running = underWay.get(id);
    if (running) {
      running.again = true;
      return;
    }
    if (underWay.size >= MOST_IN_FLIGHT) return;
    const state = { again: true };
    underWay.set(id, state);
    const [tenantId = '', target = ''] = id.split('/');
    try {
      while (state.again) {
        state.again = false;
        await poke({ tenantId, target });
      }
    } catch (error) {
      onFailure?.(error);
    } finally {
      underWay.delete(id);
    }
  }

  return {
    poke,
    followDeliveries: (notifications) => notifications.listenToAll('delivery', (id) => void pokeMerged(id)),
  };
}
