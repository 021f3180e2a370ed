import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Logger } from 'pino';
import 'pino-http'; // declares `req.id`
import { ZodError } from 'zod';
import type { Problem } from '../contracts/system';
import { isDatabaseAway } from '../db/violations';
import { DomainError, httpStatus, sentence } from '../domain/errors';
import type { ErrorCode } from '../domain/errors';

const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  temporarily_unavailable: 2,
  too_many_requests: 10,
  too_many_open_approvals: 30,
};

/** The last handler of the API: every error becomes `application/problem+json` (RFC 9457), accidents are logged once. */
export function problems(logger: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const refusal = toRefusal(error);
    noteAccident(logger, req, refusal, error);
    if (res.headersSent) return void res.destroy();
    sendProblem(req, res, refusal);
  };
}

/** Logs what nobody but us can do anything about, once. */
export function noteAccident(logger: Logger, req: Request, { code }: DomainError, error: unknown): void {
  if (code === 'internal_error') logger.error({ err: error, requestId: requestIdOf(req) }, 'accident');
  if (code === 'temporarily_unavailable') logger.warn({ err: error, requestId: requestIdOf(req) }, 'away');
}

/** In how many seconds the caller may come back; undefined where waiting does not help. */
export const retryAfterOf = ({ code, detail }: DomainError): number | undefined =>
  detail.retryAfterSeconds ?? RETRY_AFTER_SECONDS[code];

/** Answers with a refusal. */
function sendProblem(req: Request, res: Response, refusal: DomainError): void {
  const { code, detail } = refusal;
  const status = httpStatus(code);
  const retryAfter = retryAfterOf(refusal);
  if (retryAfter !== undefined) res.setHeader('retry-after', String(retryAfter));
  const body: Problem = {
    type: `urn:countersign:problem:${code}`,
    title: sentence(code),
    status,
    code,
    ...(detail.field === undefined ? {} : { field: detail.field }),
    ...(detail.reason === undefined ? {} : { reason: detail.reason }),
    ...(detail.attemptsLeft === undefined ? {} : { attemptsLeft: detail.attemptsLeft }),
    requestId: requestIdOf(req),
  };
  res.status(status).type('application/problem+json').send(JSON.stringify(body));
}

const requestIdOf = (req: Request): string => req.id as string;

/** Anything that was thrown, as a refusal; what is nobody's fault but ours is `internal_error`. */
export function toRefusal(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof ZodError) return fromShape(error);
  if (isDatabaseAway(error)) return new DomainError('temporarily_unavailable');
  // A path with a broken escape (%zz) never reaches a route.
  if (error instanceof URIError) return new DomainError('route_not_found');
  return new DomainError('internal_error');
}

/** The first thing that is wrong with the shape of a request, by the path of its field. */
function fromShape(error: ZodError): DomainError {
  const issue = error.issues[0]!;
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;
  const reason = issue.code === 'unrecognized_keys' ? 'is not known here' : issue.message;
  const field = path.map(String).join('.').slice(0, 200);
  return new DomainError('invalid_request', { ...(field ? { field } : {}), reason });
}
