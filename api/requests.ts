import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import { getHealth, getMetrics, getReadiness } from '../contracts/system';
import { DomainError } from '../domain/errors';
import type { Metrics } from '../platform/telemetry/metrics';

/** What probes and scrapers ask for, all day long. */
const PROBED: ReadonlySet<string> = new Set([getHealth.path, getReadiness.path, getMetrics.path]);

/** Each request gets an id, one log line when it is answered, and is counted. No header, query or body is logged. */
export function observed(logger: Logger, metrics: Metrics): RequestHandler[] {
  const log = pinoHttp({
    logger,
    genReqId: () => randomUUID(),
    quietReqLogger: true,
    customLogLevel: (_req, res, error) => (error || res.statusCode >= 500 ? 'error' : 'info'),
    // pino-http would log the URL with its query; keys travel there in the Authy dialect.
    serializers: {
      req: (req: { id: string; method: string; raw: { route?: { path?: string } } }) => ({
        id: req.id,
        method: req.method,
      }),
      res: (res: { statusCode: number }) => ({ status: res.statusCode }),
    },
    customProps: (req) => ({ route: routeOf(req), ...(subjectOf(req) ?? {}) }),
    customSuccessMessage: () => 'answered',
    customErrorMessage: () => 'answered',
    autoLogging: { ignore: (req) => PROBED.has(req.url ?? '') },
  });
  const count: RequestHandler = (req, res, next) => {
    const startedMs = performance.now();
    res.setHeader('x-request-id', req.id as string);
    res.on('close', () => {
      metrics.httpRequest(
        routeOf(req) ?? 'unknown',
        req.method,
        res.statusCode,
        (performance.now() - startedMs) / 1_000,
      );
    });
    next();
  };
  return [log, count];
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

const routeOf = (req: object): string | undefined => (req as { route?: { path?: string } }).route?.path;

/** The approval that a request is about, so that its lines are found by the id of its workflow. */
function subjectOf(req: object): { approvalId: string } | undefined {
  const { approvalId } = (req as { params?: { approvalId?: string } }).params ?? {};
  return approvalId !== undefined && UUID.test(approvalId) ? { approvalId } : undefined;
}

/**
 * Answers only to the host names under which it is known, and to pages of those origins: a page elsewhere could otherwise
 * reach a server on loopback through the reader's browser (DNS rebinding). Probes and scrapers ask by address, and learn
 * nothing that is anybody's.
 */
export function knownHostsOnly(publicUrls: () => readonly string[]): RequestHandler {
  return (req, _res, next) => {
    if (PROBED.has(req.path)) return next();
    const known = publicUrls().map((url) => new URL(url));
    const host = req.get('host')?.toLowerCase();
    if (!known.some((url) => url.host === host)) return next(new DomainError('host_not_allowed'));
    const origin = req.get('origin');
    if (origin !== undefined && !known.some((url) => url.origin === origin)) {
      return next(new DomainError('origin_not_allowed'));
    }
    next();
  };
}
