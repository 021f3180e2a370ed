import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import type { Outcome, ToldLog } from './told';

export interface Receiver {
  readonly url: string;
  /** How many callbacks had no valid signature; each of them is a fault of the product. */
  forged(): number;
  /** While true, the first callback of each approval is answered 500, and is as if it had never come. */
  failFirst(failing: boolean): void;
  /** Settles when the approval's callback has arrived. */
  arrived(approvalId: string): Promise<void>;
  close(): Promise<void>;
}

/** A tenant's endpoint: verifies the signature (Standard Webhooks) and writes down every callback. */
export async function startReceiver(signingKey: string, log: ToldLog): Promise<Receiver> {
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

  async function receive(request: IncomingMessage): Promise<number> {
    const body = verify(webhook, request, await text(request));
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

  const server = createServer((request, response) => {
    receive(request).then(
      (status) => response.writeHead(status).end(),
      () => response.destroy(), // the caller went away in the middle of its request
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    forged: () => forged,
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
