import type { Pool } from 'pg';
import type { AuthyFactRows } from '../db/authyFacts';
import type { RecordedEvent } from '../db/events';
import { listNewest } from '../db/reporting';
import type { Narrowing } from '../db/reporting';
import { readAuthyId } from '../domain/authyId';
import { authyNameOf } from '../domain/authyEvents';
import type { AuthyAttribute, AuthyEvent } from '../domain/authyEvents';
import type { AuthyObjects } from '../domain/authyObjects';
import { DomainError } from '../domain/errors';
import { hasValues, kindsOf, valuesOf } from '../domain/reporting';
import type { Selection } from '../domain/reporting';
import type { AuthyEvents } from './authyEvents';
import { createCounting, rangeOf } from './counting';
import type { Turns } from './turns';

export interface ReportDeps {
  pool: Pool;
  turns: Turns;
  authyFacts: Pick<AuthyFactRows, 'findUserId'>;
  authyEvents: Pick<AuthyEvents, 'teller' | 'tell'>;
}

/** Read together where objects have to be looked at, and how many of them for one answer. */
const BATCH = 1_000;
const MOST_READ = 250_000;

export interface Asked {
  tenantId: string;
  selection: Selection;
  gone: AbortSignal;
}

/** What happened, counted and searched. Names and times are looked up in indexes; values of objects by reading events. */
export function createReports({ pool, turns, authyFacts, authyEvents }: ReportDeps) {
  const count = createCounting({ pool, turns });

  /** What an index can be asked for; null: that nothing can be there. Every event is still looked at afterwards. */
  async function narrow(tenantId: string, { objects }: Selection): Promise<Narrowing | null> {
    const narrowing: Narrowing = {};
    for (const { object, attribute, operator, value } of objects) {
      if (operator !== 'eq') continue;
      if (object === 'user' && attribute === 'authy_id') {
        // As it is told: also of who was removed since.
        const id = readAuthyId(value);
        const known = id === undefined ? undefined : await authyFacts.findUserId(pool, tenantId, id);
        if (known === undefined) return null;
        narrowing.userId = known;
      }
      if (object === 'onetouch_request' && attribute === 'uuid') {
        if (!UUID.test(value)) return null;
        narrowing.approvalId = value;
      }
    }
    return narrowing;
  }

  /**
   * Those events of a selection whose objects have the values, newest first, with these objects and that of an attribute.
   * @throws report_too_broad
   */
  async function* search(
    { tenantId, selection, gone }: Asked,
    attribute?: AuthyAttribute,
  ): AsyncGenerator<{ event: RecordedEvent; objects: AuthyObjects }> {
    const range = await rangeOf(pool, tenantId, selection);
    const narrowing = await narrow(tenantId, selection);
    if (!range || narrowing === null) return;
    const kinds = kindsOf(selection.names);
    const among = new Set([...selection.objects, ...(attribute ? [attribute] : [])].map(({ object }) => object));
    const teller = await authyEvents.teller(tenantId);
    let { last } = range;
    for (let read = 0; !gone.aborted; read += BATCH) {
      if (read >= MOST_READ) throw new DomainError('report_too_broad');
      const part = { first: range.first, last, limit: BATCH };
      const events = await turns(() => listNewest(pool, tenantId, kinds, part, narrowing));
      for (const [i, objects] of (await teller.listObjects(events, among)).entries()) {
        if (hasValues(objects, selection.objects)) yield { event: events[i]!, objects };
      }
      if (events.length < BATCH) return;
      last = events.at(-1)!.number - 1;
    }
  }

  return {
    /** A page of events, newest first. @throws report_too_broad */
    async list(asked: Asked, { page, perPage }: { page: number; perPage: number }): Promise<AuthyEvent[]> {
      const { tenantId, selection } = asked;
      const offset = (page - 1) * perPage;
      if (selection.objects.length > 0) {
        const found: RecordedEvent[] = [];
        let position = 0;
        for await (const { event } of search(asked)) {
          if (position++ >= offset) found.push(event);
          if (found.length === perPage) break;
        }
        return authyEvents.tell(tenantId, found, selection.spelled);
      }
      const range = await rangeOf(pool, tenantId, selection);
      if (!range) return [];
      const part = { ...range, limit: perPage, offset };
      const events = await turns(() => listNewest(pool, tenantId, kindsOf(selection.names), part));
      return authyEvents.tell(tenantId, events, selection.spelled);
    },

    /** How many there are in each bucket of so many seconds, by its beginning in ms (UTC). @throws report_too_broad */
    async countByTime(asked: Asked, bucketSeconds: number): Promise<ReadonlyMap<number, number>> {
      const counts = new Map<number, number>();
      const add = (ms: number, more: number) => void counts.set(ms, (counts.get(ms) ?? 0) + more);
      if (asked.selection.objects.length === 0) {
        await count(asked, bucketSeconds, (_name, atMs, more) => add(atMs, more));
        return counts;
      }
      const bucketMs = bucketSeconds * 1_000;
      for await (const { event } of search(asked)) add(Math.floor(event.at.getTime() / bucketMs) * bucketMs, 1);
      return counts;
    },

    /** How many there are of each name, or of each value of an attribute, most first. @throws report_too_broad */
    async countByTerm(asked: Asked, attribute: AuthyAttribute | 'event'): Promise<{ term: string; count: number }[]> {
      const counts = new Map<string, number>();
      const add = (term: string, more: number) => void counts.set(term, (counts.get(term) ?? 0) + more);
      if (attribute === 'event' && asked.selection.objects.length === 0) {
        await count(asked, undefined, (name, _atMs, more) => add(name, more));
      } else {
        const of = attribute === 'event' ? undefined : attribute;
        for await (const { event, objects } of search(asked, of)) {
          const terms = of ? new Set(valuesOf(objects, of).map(String)) : [authyNameOf(event)!];
          for (const term of terms) add(term, 1);
        }
      }
      const terms = [...counts].map(([term, found]) => ({ term, count: found }));
      return terms.sort((a, b) => b.count - a.count || (a.term < b.term ? -1 : 1));
    },
  };
}
export type Reports = ReturnType<typeof createReports>;

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
