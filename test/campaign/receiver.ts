import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import type { Outcome, ToldLog } from './told';
import { createWebhookReceiver } from './webhookReceiver';
import type { WebhookReceiver } from './webhookReceiver';

const CALLBACKS = '/callback';

export interface Receiver {
  /** Where callbacks go. */
  readonly url: string;
  readonly webhooks: WebhookReceiver;
  webhookUrl(endpoint: string): string;
  /** How many callbacks and webhooks had no valid signature; each of them is a fault of the product. */
  forged(): number;
  /** While true, the first callback of each approval is answered 500, and is as if it had never come. */
  failFirst(failing: boolean): void;
  /** Settles when the approval's callback has arrived. */
  arrived(approvalId: string): Promise<void>;
  close(): Promise<void>;
}

/** A tenant's endpoints: verifies the signature (Standard Webhooks) and writes down every callback. */
export async function startReceiver(signingKey: string, log: ToldLog, salt = ''): Promise<Receiver> {
  const webhooks = createWebhookReceiver(log, salt);
  const webhook = new Webhook(signingKey);
  const arrivals = new Map<string, () => void>();
  const promises = new Map<string, Promise<void>>();
  const failed = new Set<string>();
  let failing = false;
  let forged = 0;

  const arrived = (approvalId: string): Promise<void> => {
    const known = promises.get(approvalId);
    if (known) return known;
    const promise = new Promise<void>((resolve) => arrivals.set(approvalId, resolve));
    promises.set(approvalId, promise);
    return promise;
  };

  async function receive(request: IncomingMessage): Promise<{ status: number; headers?: OutgoingHttpHeaders }> {
    const { url: path = '', headers } = request;
    if (path !== CALLBACKS) return webhooks.receive({ path, headers, body: await text(request) });
    return { status: takeCallback(verify(webhook, request, await text(request))) };
  }

  function takeCallback(body: CallbackBody | undefined): number {
    if (!body) {
      forged += 1;
      return 400;
    }
    if (failing && !failed.has(body.data.id)) {
      failed.add(body.data.id);
      return 500;
    }
    log.tell({ what: 'callback', approvalId: body.data.id, webhookId: body.id, outcome: body.data.status });
    void arrived(body.data.id);
    arrivals.get(body.data.id)?.();
    return 200;
  }

  // Never closes an idle connection by itself: a caller that is about to use it would be reset.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    receive(request).then(
      ({ status, headers }) => response.writeHead(status, headers).end(),
      () => response.destroy(), // the caller went away in the middle of its request, or it shall
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: base + CALLBACKS,
    webhooks,
    webhookUrl: (endpoint) => base + webhooks.pathOf(endpoint),
    forged: () => forged + webhooks.forged(),
    failFirst: (now) => void (failing = now),
    arrived,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface CallbackBody {
  id: string;
  type: string;
  data: { id: string; status: Outcome };
}

/** The callback, when it is signed and agrees with itself. */
function verify(webhook: Webhook, { headers }: IncomingMessage, body: string): CallbackBody | undefined {
  try {
    const callback = webhook.verify(body, headers as Record<string, string>) as CallbackBody;
    const sameId = callback.id === headers['webhook-id'];
    return sameId && callback.type === `approval.${callback.data.status}` ? callback : undefined;
  } catch {
    return undefined;
  }
}
