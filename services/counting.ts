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
  const rangeOf = (tenantId: string, fromMs: number | undefined, untilMs: number | undefined) =>
    findNumbers(pool, tenantId, { since: dateOf(fromMs), until: dateOf(untilMs) });

  /** The whole hours from one instant to another, in pieces that are counted in one statement each. */
  async function piecesOf(tenantId: string, { first, last }: NumberRange, { from, until }: Hours): Promise<Hours[]> {
    const cuts: number[] = [];
    for (let number = first + HOURS_TOGETHER; number <= last; number += HOURS_TOGETHER) cuts.push(number);
    const hours = cuts.length === 0 ? [] : await hoursOf(pool, tenantId, cuts);
    const within = hours.filter((hour) => hour > from && hour < until);
    return [from, ...within].map((start, i) => ({ from: start, until: within[i] ?? until }));
  }

  /** Calls back with how many there are of each name, and in which bucket of so many seconds; altogether without. */
  return async function count(
    { tenantId, selection, gone }: { tenantId: string; selection: Selection; gone: AbortSignal },
    bucketSeconds: number | undefined,
    add: (name: string, atMs: number, count: number) => void,
  ): Promise<void> {
    const { names, fromMs = 0 } = selection;
    const types = [...new Set(kindsOf(names).map(({ type }) => type))];
    const range = types.length === 0 ? undefined : await rangeOf(tenantId, selection.fromMs, selection.untilMs);
    if (!range) return;

    async function counted(work: () => Promise<Count[]>): Promise<void> {
      if (gone.aborted) return;
      for (const found of await turns(work)) {
        const name = authyNameOf({ type: found.type as EventType, data: { channel: found.channel } });
        if (name && names.includes(name)) add(name, found.at?.getTime() ?? 0, found.count);
      }
    }

    async function countNumbers(numbers: NumberRange | undefined): Promise<void> {
      for (const part of numbers ? partsOf(numbers) : []) {
        await counted(() => countEvents(pool, tenantId, types, part, bucketSeconds));
      }
    }

    const untilMs = selection.untilMs ?? (await hoursOf(pool, tenantId, [range.last]))[0]!.getTime() + HOUR_MS;
    const whole = wholeHours(fromMs, untilMs);
    if (!whole || (bucketSeconds !== undefined && bucketSeconds * 1_000 < HOUR_MS)) return countNumbers(range);
    for (const piece of await piecesOf(tenantId, range, whole)) {
      await counted(() => countHours(pool, tenantId, types, piece, bucketSeconds));
    }
    // What is left of the hours in which it begins and ends.
    const [start, end] = [whole.from.getTime(), whole.until.getTime()];
    if (fromMs < start) await countNumbers(await rangeOf(tenantId, fromMs, start));
    if (untilMs > end) await countNumbers(await rangeOf(tenantId, end, untilMs));
  };
}

const dateOf = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms));

/** Those that lie between two instants; undefined where none does. */
function wholeHours(fromMs: number, untilMs: number): Hours | undefined {
  const from = Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
  const until = Math.floor(untilMs / HOUR_MS) * HOUR_MS;
  return from < until ? { from: new Date(from), until: new Date(until) } : undefined;
}

/** A range in pieces that are counted in one statement each. */
function* partsOf({ first, last }: NumberRange): Generator<NumberRange> {
  for (let from = first; from <= last; from += COUNTED_TOGETHER) {
    yield { first: from, last: Math.min(from + COUNTED_TOGETHER - 1, last) };
  }
}
