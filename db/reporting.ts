import { firstSince, isAuthys, lastBefore, toEvent } from './events';
import type { EventRow, RecordedEvent } from './events';
import type { Queryable } from './transaction';

/** Events of a type; with channels, only those about one of them. */
export interface EventKind {
  type: string;
  channels: readonly string[] | null;
}

/** The numbers within which events are looked for, both included: where a time begins and ends (`findNumbers`). */
export interface NumberRange {
  first: number;
  last: number;
}

/** Where an index leads to the few events of somebody or something, it is followed instead of that of types. */
export interface Narrowing {
  userId?: string;
  approvalId?: string;
}

export interface Count {
  /** The beginning of the bucket; null where there are none. */
  at: Date | null;
  type: string;
  channel: string | null;
  count: number;
}

const KINDS = `jsonb_to_recordset($2::jsonb) as kind (type text, channels text[])`;

// One walk down the index for each kind, with as many steps as are asked for; then only these rows are read.
const NEWEST_OF_KINDS = `
  select e.* from (
    select found.number from ${KINDS}
     cross join lateral (
       select number from events
        where tenant_id = $1 and type = kind.type and (kind.channels is null or channel = any(kind.channels))
          and number between $3 and $4 and ${isAuthys('events')}
        order by number desc limit $5::int + $6::int) found
     order by number desc limit $5 offset $6
  ) newest join events e on e.tenant_id = $1 and e.number = newest.number
  order by e.number desc`;

// Few enough to read all of them. That an approval was decided names no user: its approvers are asked.
const OF_USER = `
  select number from events where tenant_id = $1 and user_id = $7 and number between $3 and $4
   union
  select decided.number from approvers
    join events decided on decided.approval_id = approvers.approval_id and decided.tenant_id = $1
   where approvers.tenant_id = $1 and approvers.user_id = $7 and decided.number between $3 and $4`;
const OF_APPROVAL = `
  select number from events where tenant_id = $1 and approval_id = $7 and number between $3 and $4`;

const newestAmong = (numbers: string) => `
  select e.* from (${numbers}) few join events e on e.tenant_id = $1 and e.number = few.number
   where ${isAuthys('e')}
     and exists (select from ${KINDS}
                  where kind.type = e.type and (kind.channels is null or e.channel = any(kind.channels)))
   order by e.number desc limit $5 offset $6`;

/** A tenant's events of these kinds, newest first. */
export async function listNewest(
  db: Queryable,
  tenantId: string,
  kinds: readonly EventKind[],
  { first, last, limit, offset = 0 }: NumberRange & { limit: number; offset?: number },
  narrowing: Narrowing = {},
): Promise<RecordedEvent[]> {
  const { userId, approvalId } = narrowing;
  const few = approvalId ?? userId;
  const values: unknown[] = [tenantId, JSON.stringify(kinds), first, last, limit, offset];
  const { rows } =
    few === undefined
      ? await db.query<EventRow>(NEWEST_OF_KINDS, values)
      : await db.query<EventRow>(newestAmong(approvalId === undefined ? OF_USER : OF_APPROVAL), [...values, few]);
  return rows.map(toEvent);
}

/** Whole hours, from the first on and before the second, and what lies around them: from `since` on, and before `before`. */
export interface Hours {
  since: Date;
  from: Date;
  until: Date;
  before: Date;
}

/** The beginning of the bucket of so many seconds (UTC) that a time falls into. */
const bucketOf = (time: string, bucketSeconds: number | undefined) =>
  bucketSeconds === undefined
    ? 'null::timestamptz'
    : `date_bin(interval '${Number(bucketSeconds)} seconds', ${time}, timestamptz '1970-01-01T00:00:00Z')`;

async function count(db: Queryable, sql: string, values: unknown[]): Promise<Count[]> {
  const { rows } = await db.query<Omit<Count, 'count'> & { count: string }>(sql, values);
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/** How many events of each type and channel there are: in the index, by buckets of so many seconds or altogether. */
export const countEvents = (
  db: Queryable,
  tenantId: string,
  types: readonly string[],
  { first, last }: NumberRange,
  bucketSeconds?: number,
): Promise<Count[]> =>
  count(
    db,
    `select ${bucketOf('at', bucketSeconds)} as at, type, channel, count(*) as count from events
      where tenant_id = $1 and type = any($2) and number between $3 and $4 and ${isAuthys('events')} group by 1, 2, 3`,
    [tenantId, types, first, last],
  );

const rest = (since: string, before: string) => `
  select ${bucketOf('at', 3_600)} as hour, type, channel, count(*) as count from events
   where tenant_id = $1 and type = any($2) and ${isAuthys('events')}
     and number between ${firstSince(since)} and ${lastBefore(before)} group by 1, 2, 3`;

/**
 * The same by buckets that consist of whole hours: out of a sixth of the pages. First by hour, as the index has them in
 * order, and then by bucket: half the work.
 */
export const countHours = (
  db: Queryable,
  tenantId: string,
  types: readonly string[],
  { since, from, until, before }: Hours,
  bucketSeconds?: number,
): Promise<Count[]> =>
  count(
    db,
    `select ${bucketOf('hour', bucketSeconds)} as at, type, channel, sum(count) as count from (
       select hour, type, channel, count(*) as count from events
        where tenant_id = $1 and type = any($2) and ${isAuthys('events')}
          and hour >= $4 and hour < $5 group by type, hour, channel
       union all ${rest('$3', '$4')}
       union all ${rest('$5', '$6')}
     ) by_hour group by 1, 2, 3`,
    [tenantId, types, since, from, until, before],
  );

/** The hours into which a tenant's events of these numbers fall, in their order. */
export async function hoursOf(db: Queryable, tenantId: string, numbers: readonly number[]): Promise<Date[]> {
  const { rows } = await db.query<{ hour: Date }>(
    `select hour from events where tenant_id = $1 and number = any($2) order by number`,
    [tenantId, numbers],
  );
  return rows.map(({ hour }) => hour);
}
