import type { Logger } from 'pino';
import { schemaState } from './db/migrate';
import { isDatabaseAway } from './db/violations';
import { ConfigError, EXIT_CONFIG, loadConfig } from './platform/config';
import type { Config } from './platform/config';
import { createLogger } from './platform/telemetry/logger';
import { installRuntime } from './platform/temporal/runtime';
import { startProgram } from './program';
import type { Program } from './program';

/** The exit code when something that is needed is not there (EX_UNAVAILABLE of sysexits.h). */
const EXIT_UNAVAILABLE = 69;

/** Ends with one message that says what to do, for people, on standard error. */
function giveUp(message: string, code: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

function readConfig(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    giveUp(`countersign: nothing was started. ${error.message}`, EXIT_CONFIG);
  }
}

async function requireSchema(databaseUrl: string): Promise<void> {
  const state = await schemaState(databaseUrl).catch((error: unknown) => {
    const reason = isDatabaseAway(error) ? 'cannot be reached' : 'refuses the connection';
    giveUp(`countersign: the database of DATABASE_URL ${reason}; start it, or correct DATABASE_URL.`, EXIT_UNAVAILABLE);
  });
  if (state === 'older') {
    giveUp(
      'countersign: the database has an older schema; bring it up to date with: npm run cli -- migrate (built: node dist/cli/main.js migrate)',
      EXIT_CONFIG,
    );
  }
  if (state === 'newer') {
    giveUp('countersign: the database belongs to a newer release; run that release.', EXIT_CONFIG);
  }
}

/** From now on a signal stops the program, also while it is still starting; a second one changes nothing. */
function stopOnSignal(starting: Promise<Program>, config: Config, logger: Logger): void {
  let stopping = false;
  async function stop(signal: string): Promise<void> {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    // Whatever still hangs ten seconds after notice and grace is not waited for.
    const { shutdownNoticeSeconds, shutdownGraceSeconds } = config;
    setTimeout(() => process.exit(1), (shutdownNoticeSeconds + shutdownGraceSeconds + 10) * 1_000).unref();
    try {
      await (await starting).close();
      logger.info('stopped');
      process.exit(0);
    } catch (error) {
      logger.error({ err: error }, 'stopping failed');
      process.exit(1);
    }
  }
  process.on('SIGINT', (signal) => void stop(signal));
  process.on('SIGTERM', (signal) => void stop(signal));
}

/** What nobody caught: the state is unknown from here on, so it is logged, without what it may hold, and that is the end. */
function endOnAccident(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'accident');
    process.exit(1);
  });
}

async function main(): Promise<void> {
  const config = readConfig();
  await requireSchema(config.databaseUrl);
  const logger = createLogger({ level: config.logLevel });
  endOnAccident(logger);
  installRuntime(logger);
  const starting = startProgram(config, logger);
  stopOnSignal(starting, config, logger);
  await starting.catch((error: unknown) => explainStart(error, config));
}

/** @throws what it cannot explain */
function explainStart(error: unknown, { port }: Config): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    giveUp(`countersign: port ${port} is taken; stop what uses it, or set PORT to another one.`, EXIT_UNAVAILABLE);
  }
  if (code === 'EACCES') {
    giveUp(`countersign: port ${port} is not for this user; set PORT to one above 1023.`, EXIT_CONFIG);
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    giveUp('countersign: COUNTERSIGN_HOST is no address of this machine; correct it.', EXIT_CONFIG);
  }
  throw error;
}

main().catch((error: unknown) => {
  process.stderr.write(`countersign: could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
