import { schemaState } from './db/migrate';
import { isDatabaseAway } from './db/violations';
import { ConfigError, EXIT_CONFIG, loadConfig } from './platform/config';
import type { Config } from './platform/config';
import { createLogger } from './platform/telemetry/logger';
import { installRuntime } from './platform/temporal/runtime';
import { startProgram } from './program';

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
    const list = error.problems.map((problem) => `  - ${problem}`).join('\n');
    giveUp(`countersign: the configuration has problems, and nothing was started:\n${list}`, EXIT_CONFIG);
  }
}

async function requireSchema(databaseUrl: string): Promise<void> {
  const state = await schemaState(databaseUrl).catch((error: unknown) => {
    const reason = isDatabaseAway(error) ? 'cannot be reached' : 'refuses the connection';
    giveUp(`countersign: the database of DATABASE_URL ${reason}; start it, or correct DATABASE_URL.`, 69);
  });
  if (state === 'older') {
    giveUp('countersign: the database has an older schema; run the command `migrate` of the CLI first.', EXIT_CONFIG);
  }
  if (state === 'newer') {
    giveUp('countersign: the database belongs to a newer release; run that release.', EXIT_CONFIG);
  }
}

async function main(): Promise<void> {
  const config = readConfig();
  await requireSchema(config.databaseUrl);
  const logger = createLogger({ level: config.logLevel });
  installRuntime(logger);
  const program = await startProgram(config, logger).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    giveUp(`countersign: port ${config.port} is taken; stop what uses it, or set PORT to another one.`, 69);
  });

  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      logger.info({ signal }, 'stopping');
      // Whatever still hangs ten seconds after the grace is not waited for.
      setTimeout(() => process.exit(1), (config.shutdownGraceSeconds + 10) * 1_000).unref();
      program.close().then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, 'stopping failed');
          process.exit(1);
        },
      );
    });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`countersign: could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
