import { EventEmitter, on } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Behaviour = (res: ServerResponse, req: IncomingMessage) => void;

export interface BadEndpoint {
  url: string;
  /** The webhook-id of each request, as they came. */
  ids: string[];
  /** The paths that were asked for. */
  paths: string[];
  /** How many bytes went out. */
  bytesSent(): number;
  wait(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A back end that behaves badly, once for each behaviour, and then well. */
export async function startBadEndpoint(...behaviours: Behaviour[]): Promise<BadEndpoint> {
  const ids: string[] = [];
  const paths: string[] = [];
  const arrivals = new EventEmitter();
  let bytes = 0;
  const server = createServer((req, res) => {
    req.resume();
    const { socket } = req;
    socket.once('close', () => (bytes += socket.bytesWritten));
    res.on('error', () => undefined);
    req.once('end', () => {
      ids.push(String(req.headers['webhook-id']));
      paths.push(req.url ?? '');
      const behave = behaviours.shift();
      if (behave) behave(res, req);
      else res.writeHead(204).end();
      arrivals.emit('arrived');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callbacks`,
    ids,
    paths,
    bytesSent: () => bytes,
    async wait(count) {
      if (ids.length >= count) return;
      for await (const _ of on(arrivals, 'arrived')) if (ids.length >= count) return;
    },
    async close() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const MIB = Buffer.alloc(1024 * 1024, 'x');

/** The ways in which endpoints misbehave. */
export const BEHAVIOURS = {
  hangs: () => undefined,
  resets: (res) => void res.socket?.resetAndDestroy(),
  closes: (res) => void res.socket?.destroy(),
  redirects: (res) => void res.writeHead(307, { location: '/elsewhere' }).end(),
  fails: (res) => void res.writeHead(500).end('an error page'),
  refuses: (res) => void res.writeHead(410).end(),
  'talks nonsense': (res) => void res.socket?.end('this is not HTTP\r\n\r\n'),
  'answers 500 with a gigabyte': (res) => {
    res.writeHead(500, { 'content-length': 1024 * MIB.length });
    const pour = () => {
      while (!res.destroyed && res.write(MIB));
    };
    res.on('drain', pour);
    pour();
  },
  'answers 500 byte by byte': (res) => {
    res.writeHead(500);
    const drip = setInterval(() => res.write('x'), 50);
    res.once('close', () => clearInterval(drip));
  },
} as const satisfies Record<string, Behaviour>;
