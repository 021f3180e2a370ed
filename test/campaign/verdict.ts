import type { Pool } from 'pg';
import type { Told } from './told';

/** A time in which some part was away; nothing can be due in it. */
export interface Outage {
  fromMs: number;
  untilMs: number;
}

export interface Fault {
  kind: 'lost' | 'doubled';
  rule: string;
  /** The approval, the idempotency key, or whatever else it is about. */
  subject: string;
  /** What else helps to find out why. */
  detail?: string;
}

/** What is counted: things that were judged, and what came again under the same id, which is allowed. */
export const COUNTS = ['approvals', 'repeats', 'webhooks', 'webhookRepeats', 'onboardings'] as const;
export type Counts = Record<(typeof COUNTS)[number], number>;

export interface Verdict {
  counts: Partial<Counts>;
  faults: Fault[];
}

/**
 * Compares what clients were told of one kind of thing with what the database shows. It knows nothing else, so it
 * cannot make the mistakes of the product.
 */
export interface Check {
  /** `nowMs` is before the database is read: what is told later is judged next time. */
  judge(database: Pool, tenantId: string, told: readonly Told[], at: Circumstances): Promise<Verdict>;
  /** False while something is still to come by itself. Without it: as soon as all flows have ended. */
  settled?(database: Pool, tenantId: string): Promise<boolean>;
}

export interface Circumstances {
  outages: readonly Outage[];
  nowMs: number;
}

/** The instant itself, or the end of the outages that it fell into, or that left less than the usual time after it. */
export function afterOutages(instantMs: number, outages: readonly Outage[], usualMs: number): number {
  return [...outages]
    .sort((a, b) => a.fromMs - b.fromMs)
    .reduce((at, { fromMs, untilMs }) => (fromMs < at + usualMs ? Math.max(at, untilMs) : at), instantMs);
}

/** The items in their order, by what they have in common. (`Map.groupBy` is of Node 21.) */
export function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
