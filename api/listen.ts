import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { answerUnreadable } from './unreadable';

export interface HttpLimits {
  /** Within this long the headers of a request have to be there. */
  headersMs: number;
  /** ... and within this long its body. Replies may take longer: long polls and streams do. */
  requestMs: number;
  /** How often both are looked at. */
  checkEveryMs: number;
  /** An idle connection stays that long: longer than the 60 s of the usual load balancers, or they would meet closed ones. */
  keepAliveMs: number;
  mostConnections: number;
}

const HTTP_LIMITS: HttpLimits = {
  headersMs: 20_000,
  requestMs: 60_000,
  checkEveryMs: 5_000,
  keepAliveMs: 65_000,
  mostConnections: 10_000,
};

/** Serves an app; resolves when it listens. @throws what the system says, such as EADDRINUSE */
export async function listen(
  app: RequestListener,
  { host, port }: { host: string; port: number },
  limits: HttpLimits = HTTP_LIMITS,
): Promise<Server> {
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      keepAliveTimeout: limits.keepAliveMs,
    },
    app,
  );
  answerUnreadable(server);
  server.maxConnections = limits.mostConnections;
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}
