import pino from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { LogLevel } from '../config';
import { serializeError } from './errorSerializer';

const SECRET_HEADERS = ['authorization', 'dpop', 'idempotency-key', 'cookie', 'set-cookie'];

export interface LoggerOptions {
  level: LogLevel;
  /** Standard output unless told otherwise. */
  destination?: DestinationStream;
}

/** One JSON line per event. Secrets in headers are struck out, errors lose what may hold a row or a parameter. */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service: 'countersign' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: (error: unknown) => serializeError(error), error: (error: unknown) => serializeError(error) },
    hooks: {
      // Where no sentence is given, pino takes the error's own, past the serializer.
      logMethod([first, ...rest]: Parameters<pino.LogFn>, method) {
        const error: unknown = first instanceof Error ? first : (first as { err?: unknown } | undefined)?.err;
        if (error === undefined || rest.length > 0) method.apply(this, [first, ...rest]);
        else method.apply(this, [first, serializeError(error).message]);
      },
    },
    redact: { paths: SECRET_HEADERS.flatMap(pathsOf), censor: '[secret]' },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Where pino-http puts headers, and where somebody might log them by hand. */
function pathsOf(header: string): string[] {
  const key = `["${header}"]`;
  return [key, `headers${key}`, `*.headers${key}`];
}
