import type { Request, Response, Router } from 'express';
import type { Tenant } from '../../db/tenants';
import type { Tenants } from '../../services/tenants';
import type { VerificationTokens } from '../../services/verificationTokens';
import type { UnderWay } from '../underWay';
import { readParameters } from './parameters';
import type { Parameters } from './parameters';
import { AuthyRefusal } from './refusals';
import { sendJson } from './reply';
import type { ProveSigned } from './signatures';

type Method = 'get' | 'post' | 'delete';

/** A call of a tenant's Authy client, proved and read. */
export interface AuthyCall {
  tenant: Tenant;
  parameters: Parameters;
  /** Where an app calls by itself: the one phone number that its token is about. */
  onlyPhone?: string;
  /** Those of a multipart form, which signed calls may be. */
  files: ReadonlyMap<string, Buffer>;
  /** What the path names, decoded; without the format. */
  params: Readonly<Record<string, string>>;
  /** Aborts when nothing is worth waiting for: the caller has gone away, or the server stops. */
  gone: AbortSignal;
  /** The network address that the call came from. */
  address: string;
}

/** Whose call it is, and what it brings. */
type Proved = Pick<AuthyCall, 'tenant' | 'parameters' | 'onlyPhone'> & Partial<Pick<AuthyCall, 'files'>>;

/** What is known of every call. */
type About = Pick<AuthyCall, 'files' | 'params' | 'gone' | 'address'>;

/** Answers the body of a success; `success: true` is added unless the body brings it. */
type Handler = (call: AuthyCall) => object | Promise<object>;

export interface AuthyMountDeps {
  tenants: Pick<Tenants, 'authenticateAuthy'>;
  verificationTokens: Pick<VerificationTokens, 'verify'>;
  underWay: Pick<UnderWay, 'goneOf'>;
  proveSigned: ProveSigned;
}

export interface CallOptions {
  /** Stands in every error of this call, for clients that read it without looking. */
  inErrors?: object;
}

/** Puts calls of the Authy API on a router; paths are written as `/protected/:format/users/new`. */
export function authyMounting(router: Router, { tenants, verificationTokens, underWay, proveSigned }: AuthyMountDeps) {
  const mount = <P extends object>(
    methods: Method | readonly Method[],
    path: `/${string}`,
    prove: (req: Request) => Promise<P>,
    handler: (call: P & About) => object | Promise<object>,
    { inErrors }: CallOptions = {},
  ): void => {
    for (const method of typeof methods === 'string' ? [methods] : methods) {
      router[method](path, async (req: Request, res: Response) => {
        res.locals['inErrors'] = inErrors;
        const { format, ...params } = req.params as Record<string, string>;
        requireJson(format);
        const proved = await prove(req);
        const about = { files: new Map(), params, gone: underWay.goneOf(res), address: req.ip ?? '' };
        const body = await handler({ ...about, ...proved });
        sendJson(res, 200, 'success' in body ? body : { ...body, success: true });
      });
    }
  };

  /** By the Authy API key: in its header, or as `api_key` in query or body. */
  async function proveKey(req: Request): Promise<Proved> {
    const inHeader = req.get('x-authy-api-key');
    // A stranger learns nothing from his body; who has no header may have the key in it.
    const known = inHeader === undefined ? undefined : await tenants.authenticateAuthy(inHeader);
    if (inHeader !== undefined && !known) throw new AuthyRefusal(60001);
    const parameters = readParameters(req);
    const key = parameters.any('api_key');
    const tenant = known ?? (typeof key === 'string' ? await tenants.authenticateAuthy(key) : undefined);
    if (!tenant) throw new AuthyRefusal(60001);
    return { tenant, parameters };
  }

  /** By the key or, where there is none, by the token of an app, as `jwt_token` in query or body. */
  async function proveKeyOrToken(req: Request): Promise<Proved> {
    if (req.get('x-authy-api-key') !== undefined) return proveKey(req);
    const parameters = readParameters(req);
    const jwt = parameters.any('api_key') === undefined ? parameters.text('jwt_token') : undefined;
    if (jwt === undefined) return proveKey(req);
    const token = await verificationTokens.verify(jwt);
    if ('fault' in token) throw new AuthyRefusal(NUMBER_OF_FAULT[token.fault]);
    return { tenant: token.tenant, parameters, onlyPhone: token.phoneNumber };
  }

  /** By the Authy API key, which one call has in its path. */
  async function proveKeyInPath(req: Request): Promise<Proved> {
    const tenant = await tenants.authenticateAuthy(String(req.params['apiKey']));
    if (!tenant) throw new AuthyRefusal(60001);
    return { tenant, parameters: readParameters(req) };
  }

  return {
    /** A call with the Authy API key of its tenant as `:apiKey`. */
    keyInPath: (
      methods: Method | readonly Method[],
      path: `/2010-04-01/Accounts/:apiKey/${string}.:format`,
      handler: Handler,
    ): void => mount(methods, path, proveKeyInPath, handler),

    /** A call with the Authy API key of its tenant. */
    call: (
      methods: Method | readonly Method[],
      path: `/protected/:format/${string}` | `/onetouch/:format/${string}`,
      handler: Handler,
      options?: CallOptions,
    ): void => mount(methods, path, proveKey, handler, options),

    /** A call with that key, or of an app about one phone. */
    callOfApp: (methods: Method | readonly Method[], path: `/protected/:format/${string}`, handler: Handler): void =>
      mount(methods, path, proveKeyOrToken, handler),

    /** A call of the dashboard API of whoever has no tenant yet; its handler sees to it that he may call. */
    ofNobody: (
      methods: Method | readonly Method[],
      path: `/dashboard/:format/${string}`,
      handler: (call: Pick<AuthyCall, 'parameters'>) => Promise<object>,
    ): void => mount(methods, path, (req) => Promise.resolve({ parameters: readParameters(req) }), handler),

    /** A call of the dashboard API, signed with the API signing key of its tenant. */
    signed: (
      methods: Method | readonly Method[],
      path: `/dashboard/:format/${string}`,
      handler: Handler,
      options?: CallOptions,
    ): void => mount(methods, path, proveSigned, handler, options),
  };
}
export type AuthyMounting = ReturnType<typeof authyMounting>;

const NUMBER_OF_FAULT = { invalid: 60101, expired: 60086, incomplete: 60116 } as const;

/** XML was asked for by old versions of one client only, and how it looked is not known. */
function requireJson(format: string | undefined): void {
  if (format === 'xml') throw new AuthyRefusal(60002, { message: 'Invalid request: only json is served, not xml' });
  if (format !== 'json') throw notFound();
}

/** For a path that leads nowhere. */
export const notFound = (): AuthyRefusal =>
  new AuthyRefusal(60000, { message: 'Requested URL was not found.', status: 404 });
