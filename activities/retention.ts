import { log } from '@temporalio/activity';
import type { Pool } from 'pg';
import { removeExpired, RETAINED_KINDS } from '../db/retention';
import type { RetainedKind } from '../db/retention';

export interface RetentionActivityDeps {
  pool: Pick<Pool, 'query'>;
  /** Rows per statement: few enough to be done well within the statement time-out, and to hold nobody up. */
  batch?: number;
}

/** Stops in time for the activity's own time-out; what is left has another hour. */
const BUDGET_MS = 30_000;

/** Removes what the schema keeps for a while only. */
export function createRetentionActivities({ pool, batch = 1_000 }: RetentionActivityDeps) {
  return {
    /** Repeatable: what is gone is gone. Answers how many rows of each kind were removed. */
    async removeExpiredRows(): Promise<Record<RetainedKind, number>> {
      const endMs = performance.now() + BUDGET_MS;
      const removed = Object.fromEntries(RETAINED_KINDS.map((kind) => [kind, 0])) as Record<RetainedKind, number>;
      for (const kind of RETAINED_KINDS) {
        let last = batch;
        while (last === batch && performance.now() < endMs) {
          last = await removeExpired(pool, kind, batch);
          removed[kind] += last;
        }
      }
      log.info('removed what had expired', removed);
      return removed;
    },
  };
}
export type RetentionActivities = ReturnType<typeof createRetentionActivities>;
