import { once } from 'node:events';
import type { RequestHandler, Response } from 'express';

/** The requests that are under way, for a server that wants to stop without breaking any. */
export interface UnderWay {
  /** Notes every request, from its first handler to the end of its reply. */
  note: RequestHandler;
  /** Aborts when there is nothing left to wait for: the caller has gone, or the server stops. */
  goneOf(res: Response): AbortSignal;
  /** True from the moment at which no new requests should come. */
  draining: () => boolean;
  /**
   * From now on every reply ends its connection, so that callers take their next request to somebody who stays. Whoever
   * waits for a change goes on waiting: answered at once, they would come back here until the balancer has noticed.
   */
  turnAway(): void;
  /** Lets long polls and streams answer with what they have; resolves when all that was under way is answered. */
  drain(): Promise<void>;
}

/** Starts with no request under way. */
export function createUnderWay(): UnderWay {
  const open = new Map<Response, AbortController>();
  let draining = false;
  let hurrying = false;

  function endConnection(res: Response): void {
    if (!res.headersSent) res.setHeader('connection', 'close');
  }

  function turnAway(): void {
    draining = true;
    for (const res of open.keys()) endConnection(res);
  }

  return {
    note(_req, res, next) {
      const gone = new AbortController();
      open.set(res, gone);
      res.once('close', () => {
        open.delete(res);
        gone.abort();
      });
      if (draining) endConnection(res);
      if (hurrying) gone.abort();
      next();
    },
    goneOf: (res) => open.get(res)?.signal ?? AbortSignal.abort(),
    draining: () => draining,
    turnAway,
    async drain() {
      turnAway();
      hurrying = true;
      await Promise.all(
        [...open].map(([res, gone]) => {
          const answered = once(res, 'close');
          gone.abort();
          return answered;
        }),
      );
    },
  };
}
