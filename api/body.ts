import type { Request, RequestHandler } from 'express';
import { visit } from 'jsonc-parser';
import { MOST_LOGO_BYTES } from '../domain/branding';
import { DomainError } from '../domain/errors';

const MOST_BYTES = 64 * 1024;
/** Two logos, with what stands around them in a multipart form. */
const MOST_BYTES_OF_LOGOS = 2 * MOST_LOGO_BYTES + 8 * 1024;
const TAKES_LOGOS = /^\/dashboard\/[^/]+\/application\/assets\/update$/;
/** Nothing of ours is nested deeper; what reads JSON calls itself for each level, and 64 KiB hold 32,000 of them. */
const MOST_LEVELS = 32;

/** The bytes of a request's body, as they came: signatures cover them. */
export const rawBodyOf = (req: Request): Buffer | undefined =>
  Buffer.isBuffer(req.body) && req.body.length > 0 ? req.body : undefined;

/**
 * Collects the body as bytes, at most 64 KiB of them (of logos more), whatever its type says. What is larger is refused
 * at once; express's own collector would first read all of it, however long that takes.
 */
export function collectBody(): RequestHandler {
  return (req, _res, next) => {
    const { 'content-length': length, 'content-encoding': encoding = 'identity' } = req.headers;
    if (encoding !== 'identity') {
      return next(new DomainError('unsupported_media_type', { reason: 'send it uncompressed' }));
    }
    const mostBytes = TAKES_LOGOS.test(req.path) ? MOST_BYTES_OF_LOGOS : MOST_BYTES;
    if (Number(length) > mostBytes) return next(new DomainError('body_too_large'));
    const chunks: Buffer[] = [];
    let size = 0;
    const collect = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > mostBytes) end(new DomainError('body_too_large'));
    };
    const complete = () => {
      req.body = Buffer.concat(chunks);
      end();
    };
    const cutOff = () => end(new DomainError('invalid_json', { reason: 'the body was cut off' }));
    function end(refusal?: DomainError): void {
      req.off('data', collect).off('end', complete).off('close', cutOff);
      req.resume(); // the rest is thrown away as it comes, within the time that a request has
      next(refusal);
    }
    req.on('data', collect).on('end', complete).on('close', cutOff);
  };
}

/** The JSON of a request; an empty body is an empty object. @throws unsupported_media_type, and as parseJson does */
export function parseBody(req: Request): unknown {
  const bytes = rawBodyOf(req);
  if (!bytes) return {};
  if (!req.is('application/json')) throw new DomainError('unsupported_media_type');
  return parseJson(bytes);
}

/**
 * Stricter than JSON.parse: the last of two equal keys would win there, numbers above 2^53 would lose digits, and
 * `__proto__` would be a key like any other.
 * @throws invalid_json, duplicate_key, invalid_request
 */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new DomainError('invalid_json');
  }
  requireFaithful(text);
  return value;
}

function requireFaithful(text: string): void {
  const open: Set<string>[] = [];
  const enter = () => {
    open.push(new Set());
    if (open.length > MOST_LEVELS) throw new DomainError('invalid_request', { reason: 'is nested too deeply' });
  };
  const leave = () => void open.pop();
  visit(text, {
    onObjectBegin: enter,
    onObjectEnd: leave,
    onArrayBegin: enter,
    onArrayEnd: leave,
    onObjectProperty(name) {
      const names = open.at(-1)!;
      if (names.has(name)) throw new DomainError('duplicate_key', { field: name.slice(0, 100) });
      if (name === '__proto__') throw new DomainError('invalid_request', { field: name, reason: 'is not allowed' });
      names.add(name);
    },
    onLiteralValue(value) {
      if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
        throw new DomainError('invalid_request', { reason: 'a number is too large; send it as a string' });
      }
    },
  });
}
