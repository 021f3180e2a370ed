import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as the server saw it. */
export interface Seen {
  method: string;
  /** With the query. */
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Scripted {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Ends the connection instead of replying. */
  hangUp?: boolean;
  /** Replies only when the client has gone. */
  silent?: boolean;
}

export type FakeApi = Awaited<ReturnType<typeof startFakeApi>>;

/** A server that says what the test wants to be said, in this order, and notes what it was asked. */
export async function startFakeApi() {
  const seen: Seen[] = [];
  const script: (Scripted | ((request: Seen) => Scripted))[] = [];
  const arrivals: (() => void)[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const noted = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      seen.push(noted);
      for (const arrived of arrivals.splice(0)) arrived();
      const next = script.shift() ?? { status: 500, body: problem('internal_error', 500) };
      const reply = typeof next === 'function' ? next(noted) : next;
      if (reply.hangUp) return void request.socket.destroy();
      if (reply.silent) return;
      const type = reply.status !== undefined && reply.status >= 400 ? 'application/problem+json' : 'application/json';
      response.writeHead(reply.status ?? 200, { 'content-type': type, ...reply.headers });
      response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    reply: (...replies: typeof script) => void script.push(...replies),
    /** Resolves with the next request. */
    arrival: () => new Promise<void>((resolve) => arrivals.push(resolve)),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const problem = (code: string, status: number, more: object = {}) => ({
  type: 'about:blank',
  title: 'A sentence.',
  status,
  code,
  requestId: 'request-1',
  ...more,
});

export const refusal = (code: string, status: number, headers: Record<string, string> = {}): Scripted => ({
  status,
  body: problem(code, status),
  headers,
});

export const sha256 = (content: string) => createHash('sha256').update(content, 'utf8').digest('base64url');
