import { DISABLED_AFTER_MS } from '../domain/webhook';
import type { EventType } from '../domain/event';
import type { Keyring } from '../platform/keys/keyring';
import type { Queryable, Tx } from './transaction';

export interface WebhookEndpoint {
  id: string;
  tenantId: string;
  url: string;
  description: string;
  /** Null: all of them. */
  eventTypes: EventType[] | null;
  /** The names that it was registered with by the Authy API: it is told in that dialect. Null: in ours. */
  authyEvents: string[] | null;
  state: 'enabled' | 'disabled';
  disabledReason: string | null;
  failingSinceMs: number | null;
  createdAtMs: number;
}

/** A row of webhook_endpoints. */
export interface EndpointRow {
  id: string;
  tenant_id: string;
  url: Buffer;
  description: string;
  event_types: string[] | null;
  authy_events: string[] | null;
  secret: Buffer;
  previous_secret: Buffer | null;
  previous_secret_until: Date | null;
  state: 'enabled' | 'disabled';
  disabled_reason: string | null;
  failing_since: Date | null;
  created_at: Date;
}

/** The types of what is subscribed to, each once. */
const typesOf = (subscription: readonly string[]) => [
  ...new Set(subscription.map((entry) => entry.split(':')[0] as EventType)),
];

/** Opens what is sealed in a row. */
export function endpointReader(keyring: Pick<Keyring, 'decrypt'>) {
  const open = (sealed: Buffer, id: string) => keyring.decrypt('webhook', sealed, id).toString('utf8');
  return {
    toEndpoint: (row: EndpointRow): WebhookEndpoint => ({
      id: row.id,
      tenantId: row.tenant_id,
      url: open(row.url, row.id),
      description: row.description,
      eventTypes: row.event_types && typesOf(row.event_types),
      authyEvents: row.authy_events,
      state: row.state,
      disabledReason: row.disabled_reason,
      failingSinceMs: row.failing_since?.getTime() ?? null,
      createdAtMs: row.created_at.getTime(),
    }),

    secretOf: (row: EndpointRow): string => open(row.secret, row.id),

    /** What signs now: after a rotation, for a while, the one before it as well. */
    secretsOf: (row: EndpointRow): string[] => {
      const overlaps = row.previous_secret_until !== null && row.previous_secret_until.getTime() > Date.now();
      const secrets = [row.secret, ...(overlaps && row.previous_secret ? [row.previous_secret] : [])];
      return secrets.map((secret) => open(secret, row.id));
    },
  };
}

/** Registered endpoints. */
export function createWebhookEndpointRows(keyring: Keyring) {
  const { toEndpoint, secretOf } = endpointReader(keyring);
  const seal = (text: string, id: string) => keyring.encrypt('webhook', text, id);

  async function many(db: Queryable, sql: string, values: unknown[]): Promise<WebhookEndpoint[]> {
    const { rows } = await db.query<EndpointRow>(sql, values);
    return rows.map(toEndpoint);
  }

  return {
    insert: async (
      tx: Tx,
      endpoint: Pick<WebhookEndpoint, 'id' | 'tenantId' | 'url' | 'description' | 'authyEvents'> & {
        subscription: readonly string[] | null;
        secret: string;
      },
    ) => {
      const { id, tenantId, url, description, subscription, authyEvents, secret } = endpoint;
      const inserted = await many(
        tx,
        `insert into webhook_endpoints (id, tenant_id, url, description, event_types, authy_events, secret)
         values ($1, $2, $3, $4, $5, $6, $7) returning *`,
        [id, tenantId, seal(url, id), description, subscription, authyEvents, seal(secret, id)],
      );
      return inserted[0]!;
    },

    list: (db: Queryable, tenantId: string) =>
      many(db, `select * from webhook_endpoints where tenant_id = $1 and removed_at is null order by created_at, id`, [
        tenantId,
      ]),

    /** Those that were registered by the Authy API, with the keys that sign for them. */
    async listAuthy(db: Queryable, tenantId: string): Promise<{ endpoint: WebhookEndpoint; secret: string }[]> {
      const { rows } = await db.query<EndpointRow>(
        `select * from webhook_endpoints
          where tenant_id = $1 and removed_at is null and authy_events is not null order by created_at, id`,
        [tenantId],
      );
      return rows.map((row) => ({ endpoint: toEndpoint(row), secret: secretOf(row) }));
    },

    find: async (db: Queryable, tenantId: string, id: string) =>
      (
        await many(db, `select * from webhook_endpoints where tenant_id = $1 and id = $2 and removed_at is null`, [
          tenantId,
          id,
        ])
      )[0],

    async countOfTenant(tx: Tx, tenantId: string): Promise<number> {
      const { rows } = await tx.query<{ n: number }>(
        `select count(*)::int as n from webhook_endpoints where tenant_id = $1 and removed_at is null`,
        [tenantId],
      );
      return rows[0]!.n;
    },

    /** Changes what is given. Enabling it forgets why it was disabled; both that and another URL are a new start. */
    async update(
      tx: Tx,
      tenantId: string,
      id: string,
      change: Partial<Pick<WebhookEndpoint, 'url' | 'description' | 'eventTypes' | 'state'>>,
    ) {
      const changed = await many(
        tx,
        `update webhook_endpoints
            set url = coalesce($3, url), description = coalesce($4, description),
                event_types = case when $5 then $6::text[] else event_types end,
                state = coalesce($7, state),
                disabled_reason = case $7 when 'enabled' then null when 'disabled' then 'by_request'
                                  else disabled_reason end,
                failing_since = case when $7 = 'enabled' or $3 is not null then null else failing_since end,
                rest_until = case when $7 = 'enabled' or $3 is not null then null else rest_until end
          where tenant_id = $1 and id = $2 and removed_at is null returning *`,
        [
          tenantId,
          id,
          change.url === undefined ? null : seal(change.url, id),
          change.description ?? null,
          change.eventTypes !== undefined,
          change.eventTypes ?? null,
          change.state ?? null,
        ],
      );
      return changed[0];
    },

    /** The new secret signs from now on, the one before it as well for that long. */
    async rotate(tx: Tx, tenantId: string, id: string, secret: string, overlapMs: number): Promise<boolean> {
      const { rowCount } = await tx.query(
        `update webhook_endpoints
            set previous_secret = secret, previous_secret_until = clock_timestamp() + $4 * interval '1 millisecond',
                secret = $3
          where tenant_id = $1 and id = $2 and removed_at is null`,
        [tenantId, id, seal(secret, id), overlapMs],
      );
      return rowCount === 1;
    },

    /** What was due to it is not told any more. */
    async remove(tx: Tx, tenantId: string, id: string): Promise<boolean> {
      const { rowCount } = await tx.query(
        `with gone as (
           update webhook_endpoints set removed_at = clock_timestamp()
            where tenant_id = $1 and id = $2 and removed_at is null returning id
         ), dead as (
           update deliveries set state = 'dead', due_at = null
            where endpoint_id in (select id from gone) and state = 'due'
         ) select from gone`,
        [tenantId, id],
      );
      return rowCount === 1;
    },

    /** False when it was disabled already. */
    async disable(tx: Tx, tenantId: string, id: string, reason: string): Promise<boolean> {
      const { rowCount } = await tx.query(
        `update webhook_endpoints set state = 'disabled', disabled_reason = $3
          where tenant_id = $1 and id = $2 and state = 'enabled'`,
        [tenantId, id, reason],
      );
      return rowCount === 1;
    },

    /**
     * Remembers since when an endpoint has been failing. Answers whether it is still told anything, and whether it has
     * been failing for long enough to be disabled. A healthy one costs no write.
     */
    async recordHealth(
      tx: Tx,
      tenantId: string,
      endpointId: string,
      well: boolean,
    ): Promise<{ open: boolean; overdue: boolean }> {
      const { rows } = await tx.query<{ open: boolean; overdue: boolean }>(
        `with health as (
           update webhook_endpoints
              set failing_since = case when $3 then null else coalesce(failing_since, clock_timestamp()) end,
                  rest_until = case when $3 then null else rest_until end
            where tenant_id = $1 and id = $2 and (not $3 or failing_since is not null)
            returning failing_since
         )
         select state = 'enabled' and removed_at is null as open,
                exists (select from health
                         where failing_since < clock_timestamp() - $4 * interval '1 millisecond') as overdue
           from webhook_endpoints where tenant_id = $1 and id = $2`,
        [tenantId, endpointId, well, DISABLED_AFTER_MS],
      );
      return rows[0] ?? { open: false, overdue: false };
    },

    /** Tells an endpoint nothing for so long; a longer rest that it has already stays. */
    async rest(db: Queryable, tenantId: string, endpointId: string, forMs: number): Promise<void> {
      await db.query(
        `update webhook_endpoints
            set rest_until = greatest(rest_until, clock_timestamp() + $3 * interval '1 millisecond')
          where tenant_id = $1 and id = $2`,
        [tenantId, endpointId, forMs],
      );
    },
  };
}
export type WebhookEndpointRows = ReturnType<typeof createWebhookEndpointRows>;
