import { cancellationSignal } from '@temporalio/activity';
import type { Webhooks } from '../services/webhooks';
import type { DrainInput } from '../workflows/webhookDrain.messages';

/** What the workflow `webhookDrain` does to the world. */
export function createWebhookDrainActivities({ webhooks }: { webhooks: Pick<Webhooks, 'drain'> }) {
  return {
    /** Repeatable: each delivery is told at least once, always under the same webhook-id. */
    async drainBatch({ tenantId, target }: DrainInput): Promise<{ nextInMs: number | null }> {
      return { nextInMs: (await webhooks.drain(tenantId, target, cancellationSignal())) ?? null };
    },
  };
}
export type WebhookDrainActivities = ReturnType<typeof createWebhookDrainActivities>;
