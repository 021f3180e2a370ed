import type { Pool } from 'pg';
import { findNumbers, listEvents } from '../db/events';
import type { EventFilter, RecordedEvent } from '../db/events';
import { DomainError } from '../domain/errors';
import { FILES } from './eventFiles';
import type { FileFormat } from './eventFiles';
import type { Turns } from './turns';
import { eventIdOf } from './views';

export interface EventExport {
  format: FileFormat;
  /** Whether CSV begins with the names of its columns. */
  header: boolean;
  /** The id or the number of an event: only what came after it. */
  after: string;
  since?: Date | undefined;
  until?: Date | undefined;
  stopping: AbortSignal;
}

/** Read and written together: about a third of a megabyte. */
const PART = 1_000;

/** What happened, for those who ask rather than wait to be told. */
export function createEvents({ pool, turns }: { pool: Pool; turns: Turns }) {
  return {
    /** A page, oldest first, and the number after which the next one begins. */
    async list(tenantId: string, filter: EventFilter): Promise<{ entries: RecordedEvent[]; last: number }> {
      const entries = await listEvents(pool, tenantId, filter);
      return { entries, last: entries.at(-1)?.number ?? filter.after };
    },

    /**
     * The parts of a file with all events that are there now. Nothing is held between two parts, neither rows nor a
     * connection, so whoever reads slowly costs nothing.
     * @throws invalid_request when `after` is another tenant's event
     */
    async *export(
      tenantId: string,
      { format, header, after, since, until, stopping }: EventExport,
    ): AsyncGenerator<string> {
      const { header: names, line } = FILES[format];
      let number = numberOf(tenantId, after);
      const asked = await findNumbers(pool, tenantId, { since, until });
      if (header && names !== '') yield names;
      if (!asked) return;
      number = Math.max(number, asked.first - 1);
      while (number < asked.last && !stopping.aborted) {
        const page = { after: number, upTo: asked.last, limit: PART };
        const events = await turns(() => listEvents(pool, tenantId, page));
        if (events.length === 0) return;
        number = events.at(-1)!.number;
        yield events.map(line).join('');
      }
    },
  };
}
export type Events = ReturnType<typeof createEvents>;

function numberOf(tenantId: string, after: string): number {
  const number = Number(after.split('_').at(-1));
  if (after.startsWith('evt_') && after !== eventIdOf({ tenantId, number })) {
    throw new DomainError('invalid_request', { field: 'after', reason: 'is not an event of yours' });
  }
  return number;
}
