import type { Pool } from 'pg';
import { findNumbers } from '../db/events';
import { countEvents, listNewest } from '../db/reporting';
import type { Narrowing, NumberRange } from '../db/reporting';
import type { UserRows } from '../db/users';
import type { AuthyAttribute, AuthyEvent } from '../domain/authyEvents';
import { authyNameOf } from '../domain/authyEvents';
import { DomainError } from '../domain/errors';
import type { EventType } from '../domain/event';
import { hasValues, kindsOf, valuesOf } from '../domain/reporting';
import type { Selection } from '../domain/reporting';
import type { AuthyEvents } from './authyEvents';
import type { Turns } from './turns';

export interface ReportDeps {
  pool: Pool;
  turns: Turns;
  users: Pick<UserRows, 'findByAuthyId'>;
  authyEvents: Pick<AuthyEvents, 'tell'>;
}

/** Read together where objects have to be looked at, and how many of them for one answer. */
const BATCH = 1_000;
const MOST_READ = 250_000;
/** Counted in one statement: well within its time-out. */
const COUNTED_TOGETHER = 250_000;

export interface Asked {
  tenantId: string;
  selection: Selection;
  gone: AbortSignal;
}

const dateOf = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms));

/** What happened, counted and searched. Names and times are looked up in indexes; values of objects by reading events. */
export function createReports({ pool, turns, users, authyEvents }: ReportDeps) {
  const rangeOf = (tenantId: string, { fromMs, untilMs }: Selection) =>
    findNumbers(pool, tenantId, { since: dateOf(fromMs), until: dateOf(untilMs) });

  /** What an index can be asked for; null: that nothing can be there. Every event is still looked at afterwards. */
  async function narrow(tenantId: string, { objects }: Selection): Promise<Narrowing | null> {
    const narrowing: Narrowing = {};
    for (const { object, attribute, operator, value } of objects) {
      if (operator !== 'eq') continue;
      if (object === 'user' && attribute === 'authy_id') {
        const user = AUTHY_ID.test(value) ? await users.findByAuthyId(pool, tenantId, Number(value)) : undefined;
        if (!user) return null;
        narrowing.userId = user.id;
      }
      if (object === 'onetouch_request' && attribute === 'uuid') {
        if (!UUID.test(value)) return null;
        narrowing.approvalId = value;
      }
    }
    return narrowing;
  }

  /** Those events of a selection whose objects have the values, newest first. @throws report_too_broad */
  async function* search({ tenantId, selection, gone }: Asked): AsyncGenerator<AuthyEvent> {
    const range = await rangeOf(tenantId, selection);
    const narrowing = await narrow(tenantId, selection);
    if (!range || narrowing === null) return;
    const kinds = kindsOf(selection.names);
    let { last } = range;
    for (let read = 0; !gone.aborted; read += BATCH) {
      if (read >= MOST_READ) throw new DomainError('report_too_broad');
      const part = { first: range.first, last, limit: BATCH };
      const events = await turns(() => listNewest(pool, tenantId, kinds, part, narrowing));
      for (const told of await authyEvents.tell(tenantId, events, selection.spelled)) {
        if (hasValues(told.objects, selection.objects)) yield told;
      }
      if (events.length < BATCH) return;
      last = events.at(-1)!.number - 1;
    }
  }

  /** Calls back with how many there are of each name, and when. */
  async function count(
    { tenantId, selection, gone }: Asked,
    bucketSeconds: number | undefined,
    add: (name: string, atMs: number, count: number) => void,
  ): Promise<void> {
    const range = await rangeOf(tenantId, selection);
    const types = [...new Set(kindsOf(selection.names).map(({ type }) => type))];
    if (!range || types.length === 0) return;
    for (const part of parts(range)) {
      if (gone.aborted) return;
      for (const found of await turns(() => countEvents(pool, tenantId, types, part, bucketSeconds))) {
        const name = authyNameOf({ type: found.type as EventType, data: { channel: found.channel } });
        if (name && selection.names.includes(name)) add(name, found.at?.getTime() ?? 0, found.count);
      }
    }
  }

  return {
    /** A page of events, newest first. @throws report_too_broad */
    async list(asked: Asked, { page, perPage }: { page: number; perPage: number }): Promise<AuthyEvent[]> {
      const { tenantId, selection } = asked;
      const offset = (page - 1) * perPage;
      if (selection.objects.length > 0) {
        const found: AuthyEvent[] = [];
        let position = 0;
        for await (const event of search(asked)) {
          if (position++ >= offset) found.push(event);
          if (found.length === perPage) break;
        }
        return found;
      }
      const range = await rangeOf(tenantId, selection);
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
      for await (const { time } of search(asked)) add(Math.floor(Date.parse(time) / bucketMs) * bucketMs, 1);
      return counts;
    },

    /** How many there are of each name, or of each value of an attribute, most first. @throws report_too_broad */
    async countByTerm(asked: Asked, attribute: AuthyAttribute | 'event'): Promise<{ term: string; count: number }[]> {
      const counts = new Map<string, number>();
      const add = (term: string, more: number) => void counts.set(term, (counts.get(term) ?? 0) + more);
      if (attribute === 'event' && asked.selection.objects.length === 0) {
        await count(asked, undefined, (name, _atMs, more) => add(name, more));
      } else {
        for await (const { event, objects } of search(asked)) {
          const terms = attribute === 'event' ? [event] : new Set(valuesOf(objects, attribute).map(String));
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
const AUTHY_ID = /^\d{1,9}$/;

/** A range in pieces that are counted in one statement each. */
function* parts({ first, last }: NumberRange): Generator<NumberRange> {
  for (let from = first; from <= last; from += COUNTED_TOGETHER) {
    yield { first: from, last: Math.min(from + COUNTED_TOGETHER - 1, last) };
  }
}
