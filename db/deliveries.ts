import type { EventType } from '../domain/event';
import type { AttemptResult, Verdict } from '../domain/webhook';
import type { Keyring } from '../platform/keys/keyring';
import { subscribes, toEvent } from './events';
import type { RecordedEvent } from './events';
import type { Queryable, Tx } from './transaction';
import { endpointReader } from './webhookEndpoints';
import type { EndpointRow, WebhookEndpoint } from './webhookEndpoints';

/** One thing to tell, to one address. */
export interface Delivery {
  id: string;
  tenantId: string;
  /** All attempts so far, and those since it was last made due by hand. */
  attempts: number;
  tries: number;
  /** How often it had been made due by hand when it was read. */
  redeliveries: number;
  subject:
    | { kind: 'event'; event: RecordedEvent; endpoint: WebhookEndpoint; secrets: readonly string[] }
    | { kind: 'callback'; approvalId: string };
}

export interface DeliveryEntry {
  id: string;
  eventNumber: number;
  type: EventType;
  state: 'due' | 'delivered' | 'dead';
  attempts: { number: number; at: Date; status: number | null; error: string | null; tookMs: number }[];
  createdAt: Date;
  dueAt: Date | null;
}

/** An endpoint, or nothing in place of it, with the event that it is to be told, or the approval whose callback it is. */
type DueRow = EndpointRow &
  Record<string, unknown> & {
    callback_of: string | null;
    delivery: Pick<Delivery, 'id' | 'attempts' | 'tries' | 'redeliveries'>;
  };

/** Changes a column, unless the delivery was made due by hand since it was read. Decided under the row's lock. */
const unlessAgain = (column: string, value: string) =>
  `${column} = case when redeliveries = $9 then ${value} else ${column} end`;

/** What is to be told to registered endpoints, or to the address of one approval. */
export function createDeliveryRows(keyring: Pick<Keyring, 'decrypt'>) {
  const { toEndpoint, secretsOf } = endpointReader(keyring);

  return {
    /** Due deliveries of one target, those that were due first at the front. A disabled endpoint is told nothing. */
    async listDue(db: Queryable, tenantId: string, target: string, limit: number): Promise<Delivery[]> {
      const { rows } = await db.query<DueRow>(
        `select endpoint.*, d.approval_id as callback_of,
                jsonb_build_object('id', d.id, 'attempts', d.attempts, 'tries', d.tries,
                                   'redeliveries', d.redeliveries) as delivery,
                e.number, e.type, e.user_id, e.device_id, e.approval_id, e.onboarding_id, e.data, e.at
           from deliveries d
           left join webhook_endpoints endpoint on endpoint.id = d.endpoint_id
           left join events e on e.tenant_id = d.tenant_id and e.number = d.event_number
          where d.tenant_id = $1 and d.target = $2 and d.state = 'due' and d.due_at <= now()
            and (endpoint.id is null or (endpoint.state = 'enabled' and endpoint.removed_at is null
                                         and coalesce(endpoint.rest_until, now()) <= now()))
          order by d.due_at, d.event_number
          limit $3`,
        [tenantId, target, limit],
      );
      return rows.map((row) => {
        const { delivery } = row;
        if (row.id === null) {
          return { ...delivery, tenantId, subject: { kind: 'callback', approvalId: row.callback_of! } };
        }
        return {
          ...delivery,
          tenantId,
          subject: {
            kind: 'event',
            event: toEvent(row as unknown as Parameters<typeof toEvent>[0]),
            endpoint: toEndpoint(row),
            secrets: secretsOf(row),
          },
        };
      });
    },

    /** In how many ms the next one of a target is due; undefined when nothing is. */
    async nextDueInMs(db: Queryable, tenantId: string, target: string): Promise<number | undefined> {
      const { rows } = await db.query<{ in_ms: string | null }>(
        `select ceil(extract(epoch from greatest(d.due_at, endpoint.rest_until) - clock_timestamp()) * 1000) as in_ms
           from deliveries d left join webhook_endpoints endpoint on endpoint.id = d.endpoint_id
          where d.tenant_id = $1 and d.target = $2 and d.state = 'due'
            and (endpoint.id is null or (endpoint.state = 'enabled' and endpoint.removed_at is null))
          order by d.due_at limit 1`,
        [tenantId, target],
      );
      const inMs = rows[0]?.in_ms;
      return inMs == null ? undefined : Math.max(0, Number(inMs));
    },

    /**
     * Writes an attempt into the log, and what follows from it. Another attempt may have been under way (its worker was
     * thought dead), and the endpoint may have been removed meanwhile: what is not due any more only becomes delivered.
     * What was made due by hand meanwhile stays due: whoever asked for that wants it after that.
     */
    async recordAttempt(
      tx: Tx,
      delivery: Pick<Delivery, 'id' | 'tenantId' | 'redeliveries'>,
      attempt: AttemptResult & { number: number; tookMs: number },
      verdict: Verdict,
    ): Promise<void> {
      const state = verdict.kind === 'delivered' ? 'delivered' : verdict.kind === 'later' ? 'due' : 'dead';
      await tx.query(
        `with attempt as (
           insert into delivery_attempts (delivery_id, number, status, error, took_ms) values ($1, $3, $4, $5, $6)
           on conflict on constraint delivery_attempts_once do nothing
         )
         update deliveries
            set attempts = greatest(attempts, $3),
                ${unlessAgain('tries', 'tries + 1')},
                ${unlessAgain('state', '$7')},
                ${unlessAgain('last_error', '$5')},
                ${unlessAgain('delivered_at', `case $7 when 'delivered' then clock_timestamp() end`)},
                ${unlessAgain('due_at', `case $7 when 'due' then clock_timestamp() + $8 * interval '1 millisecond' end`)}
          where tenant_id = $2 and id = $1 and (state = 'due' or $7 = 'delivered')`,
        [
          delivery.id,
          delivery.tenantId,
          attempt.number,
          attempt.status,
          attempt.error,
          attempt.tookMs,
          state,
          verdict.kind === 'later' ? verdict.inMs : 0,
          delivery.redeliveries,
        ],
      );
    },

    /** The log of an endpoint, newest event first. */
    async list(
      db: Queryable,
      tenantId: string,
      endpointId: string,
      { before, limit }: { before: number | undefined; limit: number },
    ): Promise<DeliveryEntry[]> {
      const { rows } = await db.query<{
        id: string;
        event_number: string;
        type: EventType;
        state: DeliveryEntry['state'];
        attempts: { number: number; at: string; status: number | null; error: string | null; tookMs: number }[] | null;
        created_at: Date;
        due_at: Date | null;
      }>(
        `select d.id, d.event_number, e.type, d.state, d.created_at, d.due_at,
                (select json_agg(json_build_object('number', a.number, 'at', a.at, 'status', a.status,
                                                   'error', a.error, 'tookMs', a.took_ms) order by a.number)
                   from delivery_attempts a where a.delivery_id = d.id) as attempts
           from deliveries d join events e on e.tenant_id = d.tenant_id and e.number = d.event_number
          where d.tenant_id = $1 and d.endpoint_id = $2 and ($3::bigint is null or d.event_number < $3)
          order by d.event_number desc limit $4`,
        [tenantId, endpointId, before ?? null, limit],
      );
      return rows.map((row) => ({
        id: row.id,
        eventNumber: Number(row.event_number),
        type: row.type,
        state: row.state,
        attempts: (row.attempts ?? []).map((attempt) => ({ ...attempt, at: new Date(attempt.at) })),
        createdAt: row.created_at,
        dueAt: row.due_at,
      }));
    },

    /** Makes one delivery due again, under the id it was sent with; false when there is none. */
    async redeliver(tx: Tx, tenantId: string, endpointId: string, deliveryId: string): Promise<boolean> {
      const { rowCount } = await tx.query(
        `update deliveries set state = 'due', due_at = now(), delivered_at = null, tries = 0,
                redeliveries = redeliveries + 1
          where tenant_id = $1 and endpoint_id = $2 and id = $3`,
        [tenantId, endpointId, deliveryId],
      );
      return rowCount === 1;
    },

    /**
     * Makes events since a time due, also those from when the endpoint was disabled: the first `limit` of them that
     * come after a number. Answers how many, and the last number. All of one call are due at the same time, so that
     * their numbers say the order.
     */
    async redeliverSince(
      tx: Tx,
      tenantId: string,
      endpointId: string,
      { since, after, limit }: { since: Date; after: number; limit: number },
    ): Promise<{ count: number; last: number }> {
      const { rows } = await tx.query<{ count: number; last: string | null }>(
        `with chosen as (
           select endpoint.id, e.number
             from events e join webhook_endpoints endpoint on endpoint.tenant_id = $1 and endpoint.id = $2
            where e.tenant_id = $1 and e.at >= $3 and e.number > $4 and e.type <> 'webhook_pinged'
              and ${subscribes('e')}
            order by e.number limit $5
         ), made_due as (
           insert into deliveries as known (id, tenant_id, kind, target, endpoint_id, event_number, due_at)
           select id || '_' || number, $1, 'event', id::text, id, number, now() from chosen
           on conflict (id) do update set state = 'due', due_at = now(), delivered_at = null, tries = 0,
                                          redeliveries = known.redeliveries + 1
         )
         select count(*)::int as count, max(number) as last from chosen`,
        [tenantId, endpointId, since, after, limit],
      );
      const { count, last } = rows[0]!;
      return { count, last: Number(last ?? after) };
    },

    /**
     * Targets with something overdue: their drain was never started, or was lost. Any of them, at random: those that
     * stay overdue, because they are slow, would otherwise keep the others from being found.
     */
    async listOverdueTargets(db: Queryable, limit: number): Promise<{ tenantId: string; target: string }[]> {
      const { rows } = await db.query<{ tenant_id: string; target: string }>(
        `select tenant_id, target from (
           select endpoint.tenant_id, endpoint.id::text as target from webhook_endpoints endpoint
            where endpoint.state = 'enabled' and endpoint.removed_at is null
              and coalesce(endpoint.rest_until, now()) <= now()
              and exists (select from deliveries d
                           where d.tenant_id = endpoint.tenant_id and d.target = endpoint.id::text and d.state = 'due'
                             and d.due_at < now() - interval '5 seconds')
           union all
           select tenant_id, target from deliveries
            where kind = 'callback' and state = 'due' and due_at < now() - interval '5 seconds'
         ) overdue
          order by random() limit $1`,
        [limit],
      );
      return rows.map((row) => ({ tenantId: row.tenant_id, target: row.target }));
    },
  };
}
export type DeliveryRows = ReturnType<typeof createDeliveryRows>;
