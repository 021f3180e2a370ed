import type { Pool } from 'pg';
import { findNumbers } from '../db/events';
import { countEvents, countHours, hoursOf } from '../db/reporting';
import type { Count, Hours, NumberRange } from '../db/reporting';
import { authyNameOf } from '../domain/authyEvents';
import type { EventType } from '../domain/event';
import { kindsOf } from '../domain/reporting';
import type { Selection } from '../domain/reporting';
import type { Turns } from './turns';

export interface CountingDeps {
  pool: Pool;
  turns: Turns;
}

const HOUR_MS = 3_600_000;
/** Of a tenant's events, by number: counted in one statement, well within its time-out. */
const COUNTED_TOGETHER = 250_000;
/** The same where hours are counted, which is several times as fast. */
const HOURS_TOGETHER = 1_000_000;

/** Counts what a selection finds in indexes, whatever its objects. */
export function createCounting({ pool, turns }: CountingDeps) {
  /** In pieces that are counted in one statement each. */
  async function piecesOf(tenantId: string, { first, last }: NumberRange, whole: Hours): Promise<Hours[]> {
    const cuts: number[] = [];
    for (let number = first + HOURS_TOGETHER; number <= last; number += HOURS_TOGETHER) cuts.push(number);
    const hours = cuts.length === 0 ? [] : await hoursOf(pool, tenantId, cuts);
    const within = hours.filter((hour) => hour > whole.from && hour < whole.until);
    return [whole.from, ...within].map((from, i) => {
      const until = within[i];
      const since = i === 0 ? whole.since : from;
      return until ? { since, from, until, before: until } : { ...whole, since, from };
    });
  }

  /** Calls back with how many there are of each name, and in which bucket of so many seconds; altogether without. */
  return async function count(
    { tenantId, selection, gone }: { tenantId: string; selection: Selection; gone: AbortSignal },
    bucketSeconds: number | undefined,
    add: (name: string, atMs: number, count: number) => void,
  ): Promise<void> {
    const { names, fromMs, untilMs: given } = selection;
    const types = [...new Set(kindsOf(names).map(({ type }) => type))];
    if (types.length === 0) return;
    const range = await rangeOf(pool, tenantId, selection);
    if (!range) return;

    async function counted(work: () => Promise<Count[]>): Promise<void> {
      if (gone.aborted) return;
      for (const found of await turns(work)) {
        const name = authyNameOf({ type: found.type as EventType, data: { channel: found.channel } });
        if (name && names.includes(name)) add(name, found.at?.getTime() ?? 0, found.count);
      }
    }

    const untilMs = given ?? (await hoursOf(pool, tenantId, [range.last]))[0]!.getTime() + HOUR_MS;
    const whole = wholeHours(fromMs ?? 0, untilMs);
    if (whole && (bucketSeconds === undefined || bucketSeconds * 1_000 >= HOUR_MS)) {
      for (const piece of await piecesOf(tenantId, range, whole)) {
        await counted(() => countHours(pool, tenantId, types, piece, bucketSeconds));
      }
    } else {
      for (const part of partsOf(range)) {
        await counted(() => countEvents(pool, tenantId, types, part, bucketSeconds));
      }
    }
  };
}

/** The numbers of the events within the time of a selection; undefined where there are none. */
export const rangeOf = (
  pool: Pool,
  tenantId: string,
  { fromMs, untilMs }: Pick<Selection, 'fromMs' | 'untilMs'>,
): Promise<NumberRange | undefined> => findNumbers(pool, tenantId, { since: dateOf(fromMs), until: dateOf(untilMs) });

const dateOf = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms));

/** Those that lie between two instants, and the rest; undefined where none does. */
function wholeHours(sinceMs: number, beforeMs: number): Hours | undefined {
  const from = new Date(Math.ceil(sinceMs / HOUR_MS) * HOUR_MS);
  const until = new Date(Math.floor(beforeMs / HOUR_MS) * HOUR_MS);
  return from < until ? { since: new Date(sinceMs), from, until, before: new Date(beforeMs) } : undefined;
}

/** A range in pieces that are counted in one statement each. */
function* partsOf({ first, last }: NumberRange): Generator<NumberRange> {
  for (let from = first; from <= last; from += COUNTED_TOGETHER) {
    yield { first: from, last: Math.min(from + COUNTED_TOGETHER - 1, last) };
  }
}
