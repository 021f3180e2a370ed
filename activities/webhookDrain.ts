import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Deliveries } from '../services/deliveries';
import type { DrainInput } from '../workflows/webhookDrain.messages';

/** A batch that takes longer says so often that it is still at work. Most do not. */
const ALIVE_EVERY_MS = 3_000;

/** What the workflow `webhookDrain` does to the world. */
export function createWebhookDrainActivities({ deliveries }: { deliveries: Pick<Deliveries, 'drain'> }) {
  return {
    /** Repeatable: each delivery is told at least once, always under the same webhook-id. */
    async drainBatch({ tenantId, target }: DrainInput): Promise<{ nextInMs: number | null }> {
      const alive = setInterval(heartbeat, ALIVE_EVERY_MS);
      try {
        return { nextInMs: (await deliveries.drain(tenantId, target, cancellationSignal())) ?? null };
      } finally {
        clearInterval(alive);
      }
    },
  };
}
export type WebhookDrainActivities = ReturnType<typeof createWebhookDrainActivities>;
