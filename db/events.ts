import type { NewEvent } from '../domain/event';
import type { Queryable, Tx } from './transaction';

export interface RecordedEvent extends NewEvent {
  number: number;
  at: Date;
}

/** A change that somebody may be waiting for: of an approval, or of what a user's devices show. */
export interface Topic {
  kind: 'approval' | 'user';
  id: string;
}

/** The channel of NOTIFY; its payload is `<kind>:<id>`. */
export const CHANNEL = 'countersign';

/**
 * Writes events and wakes whoever waits. The last statement of its transaction: it raises the tenant's counter, which
 * every other writer of that tenant then waits for.
 */
export async function recordEvents(
  tx: Tx,
  tenantId: string,
  events: readonly NewEvent[],
  wake: readonly Topic[] = [],
): Promise<void> {
  await tx.query(
    `with counter as (
       update event_counters set last_number = last_number + $2 where tenant_id = $1 returning last_number - $2 as before
     ), written as (
       insert into events (tenant_id, number, type, user_id, device_id, approval_id, data)
       select $1, counter.before + e.position, e.type, e."userId", e."deviceId", e."approvalId", coalesce(e.data, '{}')
         from counter, rows from (
           jsonb_to_recordset($3::jsonb)
             as (type text, "userId" uuid, "deviceId" uuid, "approvalId" uuid, data jsonb)
         ) with ordinality as e (type, "userId", "deviceId", "approvalId", data, position)
     )
     select pg_notify('${CHANNEL}', topic) from unnest($4::text[]) as topic`,
    [tenantId, events.length, JSON.stringify(events), wake.map(({ kind, id }) => `${kind}:${id}`)],
  );
}

/** The events of one approval, in their order. */
export async function listEventsOfApproval(
  db: Queryable,
  tenantId: string,
  approvalId: string,
): Promise<RecordedEvent[]> {
  const { rows } = await db.query<{
    number: string;
    type: NewEvent['type'];
    user_id: string | null;
    device_id: string | null;
    approval_id: string;
    data: Record<string, string>;
    at: Date;
  }>(`select * from events where tenant_id = $1 and approval_id = $2 order by number`, [tenantId, approvalId]);
  return rows.map((row) => ({
    number: Number(row.number),
    type: row.type,
    ...(row.user_id === null ? {} : { userId: row.user_id }),
    ...(row.device_id === null ? {} : { deviceId: row.device_id }),
    approvalId: row.approval_id,
    data: row.data,
    at: row.at,
  }));
}
