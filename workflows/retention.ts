import { proxyActivities } from '@temporalio/workflow';
import type { RetentionActivities } from '../activities/retention';

// The database may be away for a while; after half an hour the next run is near enough.
const { removeExpiredRows } = proxyActivities<RetentionActivities>({
  summary: 'Remove idempotency keys, proofs, tokens, codes and told webhooks that have expired',
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '30 minutes',
  retry: { initialInterval: '5 seconds', maximumInterval: '5 minutes' },
});

/** Runs every hour on a schedule and removes what is kept for a while only. Answers how many rows of each kind. */
export async function retention(): Promise<Record<string, number>> {
  return removeExpiredRows();
}
