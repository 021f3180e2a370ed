import type { z } from 'zod';
import type { ErrorCode } from '../domain/errors';
import type { Scope } from '../domain/scope';

/** Who may call: a tenant's back end by API key, a device by proof of its key, or anybody. */
export type Caller = 'tenant' | 'device' | 'anybody';

/** One route, described once: parsing, types and the OpenAPI page come from it. */
export interface Route<
  C extends Caller = Caller,
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  method: 'get' | 'post' | 'put' | 'delete';
  path: `/${string}`;
  summary: string;
  caller: C;
  /** What the API key has to allow. Each route of tenants names it; there is no default. */
  scope?: Scope | undefined;
  params: P;
  query: Q;
  body: B;
  reply: R;
  /** The status of success; 204 has no body. */
  status: 200 | 201 | 204;
  /** An `Idempotency-Key` is honoured: the route creates something. */
  idempotent?: true;
  /** Not the JSON of `reply`, but a stream of server-sent events that carry it. */
  stream?: true;
  /** Not JSON, but the plain text of `reply`. */
  text?: true;
  /** Not JSON, but a file that comes line by line, in one of these media types. */
  file?: readonly string[];
  refusals: readonly ErrorCode[];
}

/** Keeps the exact types of a route; the description stays plain data. */
export function defineRoute<
  C extends Caller,
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(route: Route<C, P, Q, B, R> & (C extends 'tenant' ? { scope: Scope } : { scope?: never })): Route<C, P, Q, B, R> {
  return route;
}
