import type { Pool } from 'pg';
import { listEvents } from '../db/events';
import type { EventFilter, RecordedEvent } from '../db/events';

/** What happened, for those who ask rather than wait to be told. */
export function createEvents(pool: Pool) {
  return {
    /** A page, oldest first, and the number after which the next one begins. */
    async list(tenantId: string, filter: EventFilter): Promise<{ entries: RecordedEvent[]; last: number }> {
      const entries = await listEvents(pool, tenantId, filter);
      return { entries, last: entries.at(-1)?.number ?? filter.after };
    },
  };
}
export type Events = ReturnType<typeof createEvents>;
