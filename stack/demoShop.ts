import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Webhook } from 'standardwebhooks';

const LIMIT_BYTES = 256 * 1024;
const PATH = '/callback';

export interface DemoShopOptions {
  port: number;
  /** With which the demo tenant's callbacks are signed (`whsec_…`). */
  signingKey: string;
  show: (line: string) => void;
}

export interface DemoShop {
  readonly callbackUrl: string;
  close(): Promise<void>;
}

/** The demo tenant's backend: takes callbacks, checks their signature as any backend should, and says what came. */
export async function startDemoShop({ port, signingKey, show }: DemoShopOptions): Promise<DemoShop> {
  const webhook = new Webhook(signingKey);
  const server = createServer((request, response) => {
    void receive(request, webhook).then(({ status, line }) => {
      if (line !== undefined) show(line);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    callbackUrl: `http://127.0.0.1:${port}${PATH}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function receive(request: IncomingMessage, webhook: Webhook): Promise<{ status: number; line?: string }> {
  if (request.method !== 'POST' || request.url !== PATH) return { status: 404 };
  const body = await readBody(request);
  if (body === undefined) return { status: 413 };
  try {
    // Verified over the bytes that came; it gives the parsed body back.
    const event = webhook.verify(body, request.headers as Record<string, string>);
    return { status: 204, line: `callback  ${describe(event)}  signature valid` };
  } catch {
    return { status: 401, line: 'callback  refused  signature not valid' };
  }
}

function describe(event: unknown): string {
  const { data } = event as { data?: { id?: unknown; status?: unknown } };
  return `approval ${String(data?.id)} ${String(data?.status)}`;
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > LIMIT_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}
