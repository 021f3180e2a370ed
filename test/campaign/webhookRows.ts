import type { Pool } from 'pg';

/** An endpoint as the database shows it. */
export interface EndpointRow {
  id: string;
  /** The name that the back end gave it. */
  endpoint: string;
  state: string;
  removed: boolean;
}

export interface EventRow {
  number: number;
  type: string;
  atMs: number;
  /** Of `webhook_pinged`. */
  endpointId: string | null;
}

export interface DeliveryRow {
  id: string;
  /** Null for a callback that was kept. */
  endpointId: string | null;
  number: number | null;
  state: 'due' | 'delivered' | 'dead';
  dueAtMs: number | null;
  /** Attempts that failed. */
  failures: number;
}

export interface WebhookRows {
  endpoints: readonly EndpointRow[];
  events: readonly EventRow[];
  deliveries: readonly DeliveryRow[];
}

/** All endpoints of a tenant, what happened, and what was or is to be told. */
export async function readWebhookRows(database: Pool, tenantId: string): Promise<WebhookRows> {
  const [endpoints, events, deliveries] = await Promise.all([
    database.query<EndpointRow>(
      `select id, description as endpoint, state, removed_at is not null as removed
         from webhook_endpoints where tenant_id = $1`,
      [tenantId],
    ),
    database.query<Omit<EventRow, 'number' | 'atMs'> & { number: string; at: Date }>(
      `select number, type, at, data->>'endpointId' as "endpointId" from events where tenant_id = $1 order by number`,
      [tenantId],
    ),
    database.query<Omit<DeliveryRow, 'number' | 'dueAtMs'> & { number: string | null; due: Date | null }>(
      `select id, endpoint_id as "endpointId", event_number as number, state, due_at as due,
              (select count(*)::int from delivery_attempts a
                where a.delivery_id = d.id and a.error is not null) as failures
         from deliveries d where tenant_id = $1`,
      [tenantId],
    ),
  ]);
  return {
    endpoints: endpoints.rows,
    events: events.rows.map(({ number, at, ...row }) => ({ ...row, number: Number(number), atMs: at.getTime() })),
    deliveries: deliveries.rows.map(({ number, due, ...row }) => ({
      ...row,
      number: number === null ? null : Number(number),
      dueAtMs: due?.getTime() ?? null,
    })),
  };
}

/** True when nothing is due to an endpoint that is still there, nor any callback. */
export async function nothingIsDue(database: Pool, tenantId: string): Promise<boolean> {
  const { rows } = await database.query<{ settled: boolean }>(
    `select not exists (
       select from deliveries d left join webhook_endpoints endpoint on endpoint.id = d.endpoint_id
        where d.tenant_id = $1 and d.state = 'due' and endpoint.removed_at is null) as settled`,
    [tenantId],
  );
  return rows[0]!.settled;
}
