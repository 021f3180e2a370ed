import type { Pool } from 'pg';
import { toAuthyDelivery } from '../channels/authy/delivery';
import type { SafeClient } from '../channels/http/safeClient';
import { SendError } from '../channels/http/sendError';
import { signWebhook } from '../channels/webhooks/sign';
import type { ApprovalRows } from '../db/approvals';
import type { Delivery } from '../db/deliveries';
import { readRetryAfter } from '../domain/webhook';
import type { AttemptResult } from '../domain/webhook';
import type { AuthyEvents } from './authyEvents';
import type { CallbackSender } from './callbacks';
import { toEventView } from './views';

export interface WebhookSenderDeps {
  pool: Pool;
  approvals: Pick<ApprovalRows, 'find'>;
  client: Pick<SafeClient, 'post'>;
  callbacks: Pick<CallbackSender, 'post'>;
  authyEvents: Pick<AuthyEvents, 'tell'>;
  nowMs?: () => number;
}

/** The id of an endpoint as the Authy API writes it. */
export const authyWebhookId = (id: string): string => `WH_${id}`;

type EventDelivery = Delivery & { subject: { kind: 'event' } };

/** Tells one thing to one address, in the dialect that it was registered in. */
export function createWebhookSender(deps: WebhookSenderDeps) {
  const { pool, approvals, client, callbacks, authyEvents, nowMs = Date.now } = deps;

  async function post(delivery: Delivery) {
    const { subject, tenantId } = delivery;
    if (subject.kind === 'callback') {
      return callbacks.post((await approvals.find(pool, tenantId, subject.approvalId))!);
    }
    const told = { ...delivery, subject };
    const { headers, body } = subject.endpoint.authyEvents === null ? inOurs(told) : await inAuthys(told);
    return client.post(subject.endpoint.url, { headers: { 'content-type': 'application/json', ...headers }, body });
  }

  /** Standard Webhooks. */
  function inOurs({ subject: { event, secrets } }: EventDelivery) {
    const view = toEventView(event);
    const body = JSON.stringify(view);
    const timestampSeconds = nowMs() / 1_000; // read once: both signatures are over the one that is sent
    const signed = secrets.map((secret) => signWebhook({ id: view.id, timestampSeconds, body, secret }));
    return {
      headers: {
        ...signed[0]!,
        // While a secret is being replaced both sign, separated by a space (Standard Webhooks).
        'webhook-signature': signed.map((headers) => headers['webhook-signature']).join(' '),
      },
      body,
    };
  }

  /** A JWT has room for one signature: a key that is being replaced signs no more. */
  async function inAuthys({ tenantId, subject: { event, endpoint, secrets } }: EventDelivery) {
    const events = await authyEvents.tell(tenantId, [event], endpoint.authyEvents ?? []);
    const [signingKey = ''] = secrets;
    const { url, id } = endpoint;
    return {
      headers: {},
      body: await toAuthyDelivery({ url, webhookId: authyWebhookId(id), events, signingKey, nowMs: nowMs() }),
    };
  }

  return {
    /** One attempt; never throws for what the other side does. */
    async attempt(delivery: Delivery): Promise<AttemptResult & { tookMs: number }> {
      const startedMs = performance.now();
      const took = () => Math.round(performance.now() - startedMs);
      try {
        const { status, headers } = await post(delivery);
        const retryAfterMs = readRetryAfter(headers['retry-after'], nowMs());
        const failed = status < 200 || status > 299;
        return { status, error: failed ? `status ${status}` : null, retryAfterMs, tookMs: took() };
      } catch (error) {
        if (!(error instanceof SendError)) throw error;
        return { status: null, error: error.reason, retryAfterMs: null, tookMs: took() };
      }
    },
  };
}
export type WebhookSender = ReturnType<typeof createWebhookSender>;
