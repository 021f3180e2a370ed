import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventEmitter, on } from 'node:events';

export interface Received {
  method: string;
  /** Path and query, as they came. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  rawHeaders: string[];
  body: string;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** The status of each reply, in turn; afterwards 204. */
  answers: number[];
  /** Resolves with the first `count` requests. */
  wait(count?: number): Promise<Received[]>;
  close(): Promise<void>;
}

/** A back end that takes callbacks. */
export async function startReceiver(answers: number[] = []): Promise<Receiver> {
  const received: Received[] = [];
  const arrivals = new EventEmitter();
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url: path = '', headers, rawHeaders } = req;
      received.push({ method, path, headers, rawHeaders, body: Buffer.concat(chunks).toString('utf8') });
      res.writeHead(answers.shift() ?? 204).end();
      arrivals.emit('arrived');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callbacks`,
    received,
    answers,
    async wait(count = 1) {
      if (received.length < count) {
        for await (const _ of on(arrivals, 'arrived')) if (received.length >= count) break;
      }
      return received.slice(0, count);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
