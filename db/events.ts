import { TOLD_OUTSIDE_ONBOARDINGS } from '../domain/authyEvents';
import type { EventType, NewEvent } from '../domain/event';
import type { Queryable, Tx } from './transaction';

export interface RecordedEvent extends NewEvent {
  tenantId: string;
  /** Ascending without gaps in each tenant, in the order in which events become visible. */
  number: number;
  at: Date;
}

/**
 * A change that somebody may be waiting for: of an approval, of an onboarding, of what a user's devices show, or of what is
 * due to an endpoint (`<tenantId>/<target>`).
 */
export interface Topic {
  kind: 'approval' | 'onboarding' | 'user' | 'delivery';
  id: string;
}

/** The channel of NOTIFY; its payload is `<kind>:<id>`. */
export const CHANNEL = 'countersign';

/** Whether the Authy API may tell an event. An index has the same words (`events_by_hour`). */
export const isAuthys = (event: string) =>
  `(${event}.onboarding_id is null or ${event}.type not in ('${TOLD_OUTSIDE_ONBOARDINGS.join(`', '`)}'))`;

/** Whether `endpoint` subscribes to an event: to all, to its type, or to its type about this channel only. */
export const subscribes = (event: string) =>
  `(endpoint.event_types is null
    or (${event}.type = any(endpoint.event_types)
        or ${event}.type || ':' || (${event}.data->>'channel') = any(endpoint.event_types))
       and (endpoint.authy_events is null or ${isAuthys(event)}))`;

/**
 * Writes events, one delivery for each endpoint that subscribes to them, and wakes whoever waits. The last statement of
 * its transaction: it raises the tenant's counter, which every other writer of that tenant then waits for. With `tell`
 * false no endpoint hears of them; they are among the events all the same.
 */
export async function recordEvents(
  tx: Tx,
  tenantId: string,
  events: readonly NewEvent[],
  wake: readonly Topic[] = [],
  { tell = true }: { tell?: boolean } = {},
): Promise<void> {
  await tx.query(
    `with counter as (
       update event_counters set last_number = last_number + $2 where tenant_id = $1 returning last_number - $2 as before
     ), written as (
       insert into events (tenant_id, number, type, user_id, device_id, approval_id, onboarding_id, data)
       select $1, counter.before + e.position, e.type, e."userId", e."deviceId", e."approvalId", e."onboardingId",
              coalesce(e.data, '{}')
         from counter, rows from (
           jsonb_to_recordset($3::jsonb)
             as (type text, "userId" uuid, "deviceId" uuid, "approvalId" uuid, "onboardingId" uuid, data jsonb)
         ) with ordinality as e (type, "userId", "deviceId", "approvalId", "onboardingId", data, position)
       returning number, type, onboarding_id, data
     ), due as (
       insert into deliveries (id, tenant_id, kind, target, endpoint_id, event_number, due_at)
       select endpoint.id || '_' || written.number, $1, 'event', endpoint.id::text, endpoint.id, written.number,
              clock_timestamp()
         from written join webhook_endpoints endpoint
           on endpoint.tenant_id = $1 and endpoint.removed_at is null and endpoint.state = 'enabled' and $5
          and case written.type
                when 'webhook_pinged' then written.data->>'endpointId' = endpoint.id::text
                else ${subscribes('written')}
              end
       returning target, endpoint_id
     )
     select pg_notify('${CHANNEL}', topic)
       from (select unnest($4::text[])
             union
             -- A resting endpoint is left in peace: its drain waits, or reconcile finds it afterwards.
             select 'delivery:' || $1::text || '/' || due.target from due join webhook_endpoints endpoint
                 on endpoint.id = due.endpoint_id and coalesce(endpoint.rest_until, now()) <= now()) as woken (topic)`,
    [tenantId, events.length, JSON.stringify(events), wake.map(({ kind, id }) => `${kind}:${id}`), tell],
  );
}

/** A row as it is read. */
export interface EventRow {
  tenant_id: string;
  number: string;
  type: EventType;
  user_id: string | null;
  device_id: string | null;
  approval_id: string | null;
  onboarding_id: string | null;
  data: Record<string, string>;
  at: Date;
}

/** One row, in the words of the domain; also of other queries that select the columns of `events`. */
export const toEvent = (row: EventRow): RecordedEvent => ({
  tenantId: row.tenant_id,
  number: Number(row.number),
  type: row.type,
  ...(row.user_id === null ? {} : { userId: row.user_id }),
  ...(row.device_id === null ? {} : { deviceId: row.device_id }),
  ...(row.approval_id === null ? {} : { approvalId: row.approval_id }),
  ...(row.onboarding_id === null ? {} : { onboardingId: row.onboarding_id }),
  data: row.data,
  at: row.at,
});

/** The events of one approval, in their order. */
export async function listEventsOfApproval(
  db: Queryable,
  tenantId: string,
  approvalId: string,
): Promise<RecordedEvent[]> {
  const { rows } = await db.query<EventRow>(
    `select * from events where tenant_id = $1 and approval_id = $2 order by number`,
    [tenantId, approvalId],
  );
  return rows.map(toEvent);
}

export interface EventFilter {
  type?: EventType | undefined;
  userId?: string | undefined;
  deviceId?: string | undefined;
  approvalId?: string | undefined;
  onboardingId?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  /** Only events with a higher number. Since numbers become visible in their order, nothing is ever skipped. */
  after: number;
  /** Only events with this number or a lower one. */
  upTo?: number | undefined;
  limit: number;
}

/**
 * Where a time begins among a tenant's numbers, and where it ends. The clock is read under the tenant's counter, so times
 * rise with numbers; with two conditions instead of one, an index would be read from its beginning to find them.
 */
export const firstSince = (parameter: string) =>
  `(select number from events where tenant_id = $1 and at >= ${parameter} order by at limit 1)`;
export const lastBefore = (parameter: string) =>
  `(select number from events where tenant_id = $1 and at < ${parameter} order by at desc limit 1)`;

/** A tenant's events, oldest first. */
export async function listEvents(db: Queryable, tenantId: string, filter: EventFilter): Promise<RecordedEvent[]> {
  const values: unknown[] = [tenantId, filter.after, filter.limit];
  const { type, userId, deviceId, approvalId, onboardingId, upTo, since, until } = filter;
  const asked: [value: unknown, condition: (parameter: string) => string][] = [
    [type, (of) => `type = ${of}`],
    [userId, (of) => `user_id = ${of}`],
    [deviceId, (of) => `device_id = ${of}`],
    [approvalId, (of) => `approval_id = ${of}`],
    [onboardingId, (of) => `onboarding_id = ${of}`],
    [upTo, (of) => `number <= ${of}`],
    [since, (of) => `number >= ${firstSince(of)}`],
    [until, (of) => `number <= ${lastBefore(of)}`],
  ];
  const conditions = asked.flatMap(([value, condition]) =>
    value === undefined ? [] : [`and ${condition(`$${values.push(value)}`)}`],
  );
  const { rows } = await db.query<EventRow>(
    `select * from events where tenant_id = $1 and number > $2 ${conditions.join(' ')} order by number limit $3`,
    values,
  );
  return rows.map(toEvent);
}

/** The numbers of a tenant's events within a time; undefined where there are none. All up to `last` are visible. */
export async function findNumbers(
  db: Queryable,
  tenantId: string,
  { since = null, until = null }: { since?: Date | null | undefined; until?: Date | null | undefined },
): Promise<{ first: number; last: number } | undefined> {
  const { rows } = await db.query<{ first: string | null; last: string | null }>(
    `select case when $2::timestamptz is null then 1 else ${firstSince('$2')} end as first,
            case when $3::timestamptz is null then last_number else ${lastBefore('$3')} end as last
       from event_counters where tenant_id = $1`,
    [tenantId, since, until],
  );
  const [found] = rows;
  if (!found || found.first === null || found.last === null || Number(found.first) > Number(found.last))
    return undefined;
  return { first: Number(found.first), last: Number(found.last) };
}
