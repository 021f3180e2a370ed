import { DefaultLogger, Runtime, makeTelemetryFilterString } from '@temporalio/worker';
import type { LogEntry } from '@temporalio/worker';
import type { Logger } from 'pino';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

// Every single retry of a call is a warning there; that Temporal is away is said once, by the link.
const NATIVE_FILTER = `${makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' })},temporalio_client::retry=ERROR`;

let installed = false;

/**
 * Sets up the SDK's runtime, once per process and before the first connection. Its warnings, also those of its native
 * half, go to our log instead of the console, and signals of the operating system are left to the program.
 */
export function installRuntime(logger: Logger): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: new DefaultLogger('WARN', (entry) => forward(logger, entry)),
    telemetryOptions: { logging: { forward: {}, filter: NATIVE_FILTER } },
    shutdownSignals: [],
  });
}

/** The role `webhooks` runs activities only, on purpose. */
const EXPECTED = /^No workflows registered, not polling for workflow tasks/;

function forward(logger: Logger, { level, message, meta = {} }: LogEntry): void {
  if (EXPECTED.test(message)) return;
  const { error, ...rest } = meta as Record<string, unknown>;
  // The native half reports errors as text, everybody else as objects.
  const err = typeof error === 'string' ? new Error(error) : error;
  logger[LEVELS[level]]({ ...rest, ...(err !== undefined && { err }) }, message);
}
