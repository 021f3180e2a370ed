import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { DeliveryEntry, DeliveryRows } from '../db/deliveries';
import { recordEvents } from '../db/events';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { WebhookEndpoint, WebhookEndpointRows } from '../db/webhookEndpoints';
import { subscriptionTo, toAuthyEventName } from '../domain/authyEvents';
import type { AuthyEventName } from '../domain/authyEvents';
import { DomainError } from '../domain/errors';
import type { EventType } from '../domain/event';
import { randomToken } from '../platform/keys/secret';

export interface WebhookDeps {
  pool: Pool;
  endpoints: WebhookEndpointRows;
  deliveries: Pick<DeliveryRows, 'list' | 'redeliver' | 'redeliverSince'>;
  requireUrl: (url: string) => void;
}

export interface NewWebhook {
  url: string;
  description: string;
  /** Null: all of them. */
  eventTypes: EventType[] | null;
  /** In their place, names of the Authy API, as they were written: then it is told in that dialect. */
  authyEvents?: string[];
}

const MOST_WEBHOOKS = 20;
/** Events made due in one transaction: few enough to be done well within the statement time-out. */
const REDELIVERED_TOGETHER = 5_000;

/** Registered endpoints, and what they were told. */
export function createWebhooks({ pool, endpoints, deliveries, requireUrl }: WebhookDeps) {
  async function find(tenantId: string, id: string): Promise<WebhookEndpoint> {
    const endpoint = await endpoints.find(pool, tenantId, id);
    if (!endpoint) throw new DomainError('webhook_not_found');
    return endpoint;
  }

  async function requireEnabled(tenantId: string, id: string): Promise<WebhookEndpoint> {
    const endpoint = await find(tenantId, id);
    if (endpoint.state === 'disabled') throw new DomainError('webhook_disabled');
    return endpoint;
  }

  /** Wakes the drain of an endpoint. The last statement of its transaction. */
  const wake = (tx: Tx, tenantId: string, id: string) =>
    recordEvents(tx, tenantId, [], [{ kind: 'delivery', id: `${tenantId}/${id}` }]);

  return {
    find,

    /** @throws callback_url_refused, too_many_webhooks, invalid_request for an event that the Authy API has not */
    async create(
      tenantId: string,
      request: NewWebhook,
      keep: (tx: Tx, made: { endpoint: WebhookEndpoint; secret: string }) => Promise<void>,
    ): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
      requireUrl(request.url);
      const { url, description, authyEvents = null } = request;
      const subscription = authyEvents ? subscriptionTo(authyEvents.map(requireAuthyEvent)) : request.eventTypes;
      const secret = newSecret(authyEvents !== null);
      return inTransaction(pool, async (tx) => {
        await tx.query(`select pg_advisory_xact_lock(hashtext('webhooks:' || $1))`, [tenantId]); // so that the limit counts
        if ((await endpoints.countOfTenant(tx, tenantId)) >= MOST_WEBHOOKS) throw new DomainError('too_many_webhooks');
        const endpoint = await endpoints.insert(tx, {
          ...{ id: randomUUID(), tenantId, url, description },
          ...{ subscription, authyEvents, secret },
        });
        const made = { endpoint, secret };
        await keep(tx, made);
        return made;
      });
    },

    list: (tenantId: string): Promise<WebhookEndpoint[]> => endpoints.list(pool, tenantId),

    /** Those that were registered by the Authy API, with the keys that sign for them. */
    listAuthy: (tenantId: string) => endpoints.listAuthy(pool, tenantId),

    async update(
      tenantId: string,
      id: string,
      change: Partial<Pick<WebhookEndpoint, 'url' | 'description' | 'eventTypes' | 'state'>>,
    ): Promise<WebhookEndpoint> {
      if (change.url !== undefined) requireUrl(change.url);
      if (change.eventTypes !== undefined && (await find(tenantId, id)).authyEvents) {
        throw new DomainError('invalid_request', { field: 'eventTypes', reason: 'it has names of the Authy API' });
      }
      return inTransaction(pool, async (tx) => {
        const endpoint = await endpoints.update(tx, tenantId, id, change);
        if (!endpoint) throw new DomainError('webhook_not_found');
        // What was due to it has been waiting.
        if (endpoint.state === 'enabled' && (change.state ?? change.url) !== undefined) await wake(tx, tenantId, id);
        return endpoint;
      });
    },

    async rotate(
      tenantId: string,
      id: string,
      overlapMs: number,
      keep: (tx: Tx, secret: string) => Promise<void>,
    ): Promise<string> {
      const secret = newSecret((await find(tenantId, id)).authyEvents !== null);
      return inTransaction(pool, async (tx) => {
        if (!(await endpoints.rotate(tx, tenantId, id, secret, overlapMs))) throw new DomainError('webhook_not_found');
        await keep(tx, secret);
        return secret;
      });
    },

    async remove(tenantId: string, id: string): Promise<void> {
      const found = await inTransaction(pool, (tx) => endpoints.remove(tx, tenantId, id));
      if (!found) throw new DomainError('webhook_not_found');
    },

    /** Tells `webhook_pinged` to this endpoint, whatever it subscribes to. */
    async ping(tenantId: string, id: string): Promise<void> {
      await requireEnabled(tenantId, id);
      await inTransaction(pool, (tx) =>
        recordEvents(tx, tenantId, [{ type: 'webhook_pinged', data: { endpointId: id } }]),
      );
    },

    async listDeliveries(
      tenantId: string,
      id: string,
      page: { before: number | undefined; limit: number },
    ): Promise<DeliveryEntry[]> {
      await find(tenantId, id);
      return deliveries.list(pool, tenantId, id, page);
    },

    /** Makes one delivery, or all events since a time, due once more; answers how many. */
    async redeliver(tenantId: string, id: string, which: { deliveryId: string } | { since: Date }): Promise<number> {
      await requireEnabled(tenantId, id);
      if ('deliveryId' in which) {
        return inTransaction(pool, async (tx) => {
          const found = await deliveries.redeliver(tx, tenantId, id, which.deliveryId);
          if (!found) throw new DomainError('delivery_not_found');
          await wake(tx, tenantId, id);
          return 1;
        });
      }
      let total = 0;
      for (let after = 0, more = true; more;) {
        const { since } = which;
        const { count, last } = await inTransaction(pool, async (tx) => {
          const made = await deliveries.redeliverSince(tx, tenantId, id, { since, after, limit: REDELIVERED_TOGETHER });
          await wake(tx, tenantId, id);
          return made;
        });
        total += count;
        after = last;
        more = count === REDELIVERED_TOGETHER;
      }
      return total;
    },
  };
}
export type Webhooks = ReturnType<typeof createWebhooks>;

const newSecret = (isAuthys: boolean): string =>
  isAuthys ? randomToken('WSK_') : `whsec_${randomBytes(32).toString('base64')}`;

function requireAuthyEvent(written: string): AuthyEventName {
  const name = toAuthyEventName(written);
  if (!name) throw new DomainError('invalid_request', { field: 'events', reason: 'is not an event of the Authy API' });
  return name;
}
