import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { ApprovalRows } from '../db/approvals';
import { recordEvents } from '../db/events';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { Delivery, DeliveryEntry, WebhookEndpoint, WebhookRows } from '../db/webhooks';
import { subscriptionTo, toAuthyEventName } from '../domain/authyEvents';
import type { AuthyEventName } from '../domain/authyEvents';
import { DomainError } from '../domain/errors';
import type { EventType } from '../domain/event';
import { judgeAttempt, longestRest } from '../domain/webhook';
import type { AttemptResult, Verdict } from '../domain/webhook';
import { randomToken } from '../platform/keys/secret';
import type { WebhookSender } from './webhookSender';

export interface WebhookDeps {
  pool: Pool;
  webhooks: WebhookRows;
  approvals: Pick<ApprovalRows, 'recordLateCallback'>;
  sender: WebhookSender;
  requireUrl: (url: string) => void;
  onAttempt?: (result: Verdict['kind']) => void;
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
const BATCH = 20;
/** A batch ends after this long, or after so many failures one after the other: the endpoint is not well now. */
const BATCH_MS = 10_000;
const MOST_FAILURES = 3;
/** Then it rests for so long, or a sick endpoint with much due would be tried without a pause. */
const REST_MS = 5_000;
/** Events made due in one transaction: few enough to be done well within the statement time-out. */
const REDELIVERED_TOGETHER = 5_000;

/** Registered endpoints, and telling them what happened. */
export function createWebhooks(deps: WebhookDeps) {
  const { pool, webhooks, approvals, sender, requireUrl, onAttempt } = deps;

  async function find(tenantId: string, id: string): Promise<WebhookEndpoint> {
    const endpoint = await webhooks.find(pool, tenantId, id);
    if (!endpoint) throw new DomainError('webhook_not_found');
    return endpoint;
  }

  async function requireEnabled(tenantId: string, id: string): Promise<WebhookEndpoint> {
    const endpoint = await find(tenantId, id);
    if (endpoint.state === 'disabled') throw new DomainError('webhook_disabled');
    return endpoint;
  }

  /** Writes down what an attempt met, and what follows from it for the endpoint, which may be that it is told no more. */
  async function conclude(
    delivery: Delivery,
    result: AttemptResult & { tookMs: number },
  ): Promise<{ taken: boolean; goOn: boolean }> {
    const { tenantId, subject } = delivery;
    const verdict = judgeAttempt(delivery.tries + 1, result);
    const taken = verdict.kind === 'delivered';
    const concluded = await inTransaction(pool, async (tx) => {
      await webhooks.recordAttempt(tx, delivery, { ...result, number: delivery.attempts + 1 }, verdict);
      if (subject.kind === 'callback') {
        if (taken) await approvals.recordLateCallback(tx, tenantId, subject.approvalId);
        return { taken, goOn: true };
      }
      const endpointId = subject.endpoint.id;
      const { open, overdue } = await webhooks.recordHealth(tx, tenantId, endpointId, taken);
      const reason = verdict.kind === 'gone' ? 'gone' : overdue ? 'failing' : undefined;
      const restMs = taken ? 0 : longestRest(result);
      if (restMs > 0) await webhooks.rest(tx, tenantId, endpointId, restMs);
      if (reason && (await webhooks.disable(tx, tenantId, endpointId, reason))) {
        await recordEvents(tx, tenantId, [{ type: 'webhook_disabled', data: { endpointId, reason } }]);
      }
      return { taken, goOn: open && reason === undefined && restMs === 0 };
    });
    onAttempt?.(verdict.kind);
    return concluded;
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
        if ((await webhooks.countOfTenant(tx, tenantId)) >= MOST_WEBHOOKS) throw new DomainError('too_many_webhooks');
        const endpoint = await webhooks.insert(tx, {
          ...{ id: randomUUID(), tenantId, url, description },
          ...{ subscription, authyEvents, secret },
        });
        const made = { endpoint, secret };
        await keep(tx, made);
        return made;
      });
    },

    list: (tenantId: string): Promise<WebhookEndpoint[]> => webhooks.list(pool, tenantId),

    /** Those that were registered by the Authy API, with the keys that sign for them. */
    listAuthy: (tenantId: string) => webhooks.listAuthy(pool, tenantId),

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
        const endpoint = await webhooks.update(tx, tenantId, id, change);
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
        if (!(await webhooks.rotate(tx, tenantId, id, secret, overlapMs))) throw new DomainError('webhook_not_found');
        await keep(tx, secret);
        return secret;
      });
    },

    async remove(tenantId: string, id: string): Promise<void> {
      const found = await inTransaction(pool, (tx) => webhooks.remove(tx, tenantId, id));
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
      return webhooks.listDeliveries(pool, tenantId, id, page);
    },

    /** Makes one delivery, or all events since a time, due once more; answers how many. */
    async redeliver(tenantId: string, id: string, which: { deliveryId: string } | { since: Date }): Promise<number> {
      await requireEnabled(tenantId, id);
      if ('deliveryId' in which) {
        return inTransaction(pool, async (tx) => {
          const found = await webhooks.redeliver(tx, tenantId, id, which.deliveryId);
          if (!found) throw new DomainError('delivery_not_found');
          await wake(tx, tenantId, id);
          return 1;
        });
      }
      let total = 0;
      for (let after = 0, more = true; more;) {
        const { since } = which;
        const { count, last } = await inTransaction(pool, async (tx) => {
          const made = await webhooks.redeliverSince(tx, tenantId, id, { since, after, limit: REDELIVERED_TOGETHER });
          await wake(tx, tenantId, id);
          return made;
        });
        total += count;
        after = last;
        more = count === REDELIVERED_TOGETHER;
      }
      return total;
    },

    /**
     * Tells a target what is due, in order, for a while, or until the signal says stop. Answers in how many ms more is
     * due, undefined for nothing.
     */
    async drain(tenantId: string, target: string, stopping?: AbortSignal): Promise<number | undefined> {
      const endMs = performance.now() + BATCH_MS;
      let failures = 0;
      for (const delivery of await webhooks.listDue(pool, tenantId, target, BATCH)) {
        const { taken, goOn } = await conclude(delivery, await sender.attempt(delivery));
        failures = taken ? 0 : failures + 1;
        const over = performance.now() > endMs;
        if (delivery.subject.kind === 'event' && (failures >= MOST_FAILURES || (failures > 0 && over))) {
          await webhooks.rest(pool, tenantId, delivery.subject.endpoint.id, REST_MS);
          break;
        }
        if (!goOn || over || stopping?.aborted) break;
      }
      return webhooks.nextDueInMs(pool, tenantId, target);
    },

    listOverdueTargets: (limit: number) => webhooks.listOverdueTargets(pool, limit),
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
