import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { noteAccident } from '../problem';
import { errorBody, toAuthyRefusal } from './refusals';

const TREES = /^\/+(?:protected|onetouch|dashboard|2010-04-01)(?=[/?]|$)/;

/**
 * Clients write `//protected/…` when their base URL ends with a slash. Only the path is touched: what the query says is
 * the caller's own.
 */
export function collapseSlashes(): RequestHandler {
  return (req, _res, next) => {
    if (TREES.test(req.url)) {
      const at = (req.url + '?').indexOf('?');
      req.url = req.url.slice(0, at).replace(/\/{2,}/g, '/') + req.url.slice(at);
    }
    next();
  };
}

/**
 * Answers one JSON document, in one write. Clients look for bytes without blanks in it and read it as Latin-1, so what is
 * not ASCII is escaped.
 */
export function sendJson(res: Response, status: number, body: object): void {
  const json = JSON.stringify(body).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  res.status(status);
  res.setHeader('content-type', 'application/json;charset=utf-8');
  res.setHeader('content-length', json.length);
  res.end(json);
}

/** The last handler of the three trees: whatever was thrown becomes an error as Authy clients read it. */
export function authyErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (!TREES.test(req.path)) return next(error);
    const { authy, ours } = toAuthyRefusal(error);
    if (ours) noteAccident(logger, req, ours, error);
    if (res.headersSent) return void res.destroy();
    if (authy.retryAfterSeconds !== undefined) res.setHeader('retry-after', String(authy.retryAfterSeconds));
    sendJson(res, authy.status, errorBody(authy, res.locals['inErrors'] as object | undefined));
  };
}
