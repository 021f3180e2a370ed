import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is said in the place of what. */
export interface Change {
  from: string;
  to: string;
}

export interface Changing {
  url: string;
  /** How many replies were changed. */
  count(): number;
  close(): Promise<void>;
}

/** Stands before the program, and changes one message in its replies; everything else passes as it is. */
export async function startChanging(target: string, { from, to }: Change): Promise<Changing> {
  const { hostname, port, host } = new URL(target);
  let changed = 0;
  const server = createServer((req, res) => {
    const headers = { ...req.headers, host };
    const passed = ask({ hostname, port, method: req.method, path: req.url, headers, agent: false }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const said = body.replaceAll(inJson(from), inJson(to));
        if (said !== body) changed += 1;
        res.writeHead(reply.statusCode ?? 502, { ...reply.headers, 'content-length': Buffer.byteLength(said) });
        res.end(said);
      });
    });
    passed.on('error', () => res.destroy());
    req.pipe(passed);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => changed,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** As it stands between the quotes of a JSON text. */
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
