import type { Request, Response, Router } from 'express';
import { once as eventOf } from 'node:events';
import type { z } from 'zod';
import type { Caller, Route } from '../contracts/route';
import type { Device } from '../db/devices';
import type { Tenant } from '../db/tenants';
import type { Tx } from '../db/transaction';
import { DomainError } from '../domain/errors';
import { keepNothing } from '../services/idempotency';
import type { Idempotency } from '../services/idempotency';
import { digest } from '../services/text';
import type { Callers } from './callers';
import { parseBody, rawBodyOf } from './body';
import { sendFile } from './sendFile';
import type { UnderWay } from './underWay';

/** Who called, proved. */
export type Proved<C extends Caller> = C extends 'tenant'
  ? { tenant: Tenant }
  : C extends 'device'
    ? { device: Device; jti: string }
    : Record<never, never>;

export type Input<
  C extends Caller,
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
> = Proved<C> & {
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
  /** Aborts when nothing is worth waiting for: the caller has gone away, or the server stops. */
  gone: AbortSignal;
  /** The network address that the call came from. */
  address: string;
  /** Keeps the reply under the caller's Idempotency-Key, in the transaction of what it tells of. */
  keep: (tx: Tx, reply: z.input<R>) => Promise<void>;
};

export interface MountDeps {
  callers: Callers;
  underWay: Pick<UnderWay, 'goneOf'>;
  idempotency: Idempotency;
}

const KEY = /^[\x21-\x7e]{1,128}$/;

/** Puts described routes on a router: proves the caller, parses, calls the handler, checks the reply against its schema. */
export function mounting(router: Router, { callers, underWay, idempotency }: MountDeps) {
  async function read<
    C extends Caller,
    P extends z.ZodType,
    Q extends z.ZodType,
    B extends z.ZodType,
    R extends z.ZodType,
  >(route: Route<C, P, Q, B, R>, req: Request, res: Response) {
    const proved = (await callers.prove(route, req, res)) as Proved<C>;
    return {
      ...proved,
      params: route.params.parse(req.params),
      query: route.query.parse(req.query),
      body: route.body.parse(parseBody(req)),
      gone: underWay.goneOf(res),
      address: req.ip ?? '',
    };
  }

  /** A route whose reply is one JSON document, or nothing. */
  function json<C extends Caller, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
    route: Route<C, P, Q, B, R>,
    handler: (input: Input<C, P, Q, B, R>) => Promise<z.input<R>>,
  ): void {
    const render = (reply: z.input<R>): string => {
      const checked = route.reply.safeParse(reply);
      // A reply that breaks its own schema is our mistake, and must not look like the caller's.
      if (!checked.success) throw new Error(`reply of ${route.path}`, { cause: new Error(checked.error.message) });
      return JSON.stringify(checked.data);
    };
    router[route.method](route.path, async (req, res) => {
      const input = await read(route, req, res);
      if (!route.idempotent) {
        const reply = await handler({ ...input, keep: keepNothing });
        return send(res, route.status, route.status === 204 ? undefined : render(reply));
      }
      const { tenant } = input as unknown as Proved<'tenant'>;
      const call = {
        tenantId: tenant.id,
        key: readIdempotencyKey(req),
        requestDigest: digest(`${route.method} ${req.path}\n${rawBodyOf(req)?.toString('utf8') ?? ''}`),
      };
      const result = await idempotency.once(call, (keep) =>
        handler({ ...input, keep: (tx, reply) => keep(tx, route.status, render(reply)) }),
      );
      if ('made' in result) return send(res, route.status, render(result.made));
      res.setHeader('idempotent-replayed', 'true');
      send(res, result.kept.status, result.kept.body);
    });
  }

  /** A route whose reply is a stream of server-sent events; each carries one reply. */
  function events<C extends Caller, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
    route: Route<C, P, Q, B, R>,
    event: string,
    handler: (input: Input<C, P, Q, B, R>) => AsyncIterable<z.input<R>>,
  ): void {
    router[route.method](route.path, async (req, res) => {
      const input = await read(route, req, res);
      const beat = setInterval(() => res.headersSent && res.write(': still here\n\n'), 15_000);
      try {
        for await (const reply of handler({ ...input, keep: keepNothing })) {
          if (!res.headersSent) {
            res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
          }
          if (req.method === 'HEAD') break; // has its headers, and would otherwise stay to the end without a word
          const more = res.write(`event: ${event}\ndata: ${JSON.stringify(route.reply.parse(reply))}\n\n`);
          if (!more && !input.gone.aborted) await eventOf(res, 'drain', { signal: input.gone }).catch(() => {});
        }
        res.end();
      } finally {
        clearInterval(beat);
      }
    });
  }

  /** A route whose reply is a file that comes in parts. */
  function file<C extends Caller, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
    route: Route<C, P, Q, B, R>,
    handler: (input: Input<C, P, Q, B, R>) => { contentType: string; name: string; parts: AsyncIterable<string> },
  ): void {
    router[route.method](route.path, async (req, res) => {
      const input = await read(route, req, res);
      const { contentType, name, parts } = handler({ ...input, keep: keepNothing });
      const headers = { 'content-type': contentType, 'content-disposition': `attachment; filename="${name}"` };
      await sendFile(res, { head: () => res.writeHead(route.status, headers), parts, gone: input.gone });
    });
  }

  return { json, events, file };
}

function readIdempotencyKey(req: Request): string | undefined {
  const key = req.get('idempotency-key');
  if (key !== undefined && !KEY.test(key)) {
    throw new DomainError('invalid_request', { field: 'Idempotency-Key', reason: '1 to 128 printable characters' });
  }
  return key;
}

function send(res: Response, status: number, body: string | undefined): void {
  res.status(status);
  if (body === undefined) res.end();
  else res.type('application/json').send(body);
}
