import {
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { WebhookDrainActivities } from '../activities/webhookDrain';
import { poke } from './webhookDrain.messages';
import type { DrainInput } from './webhookDrain.messages';

const WEBHOOKS = 'webhooks';

// A batch has its own limit of 10 s plus the one request under way, 10 s at most, and our own rows. It fails only when
// our database is away, and then tries for ever: what is due stays due. A killed worker is silent, so its endpoint waits
// for ten seconds, not for the whole of the batch.
const activities = () =>
  proxyActivities<WebhookDrainActivities>({
    summary: 'Tell the endpoint what is due',
    taskQueue: workflowInfo().taskQueue.replace(/approvals$/, WEBHOOKS),
    startToCloseTimeout: '30 seconds',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  });

/** Tells one endpoint everything that is due to it, in order, waits for what is due later, and ends when nothing is. */
export async function webhookDrain(input: DrainInput): Promise<void> {
  let poked = false;
  setHandler(poke, () => void (poked = true), { description: 'Something is due now' });
  const { drainBatch } = activities();
  for (;;) {
    poked = false;
    const { nextInMs } = await drainBatch(input);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof webhookDrain>(input);
    if (nextInMs === 0 || poked) continue;
    if (nextInMs === null) return;
    setCurrentDetails(`The endpoint did not take everything; the next try is in ${Math.ceil(nextInMs / 1_000)} s.`);
    await condition(() => poked, nextInMs);
  }
}
