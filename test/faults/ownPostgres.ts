import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../db/migrate';
import { startWatchdog } from '../../stack/guard';
import { freePorts } from '../../stack/ports';
import { startPostgres } from '../../stack/postgres';
import type { RunningPostgres } from '../../stack/postgres';
import { TEST_DATABASE_URL, TEST_TEMPLATE } from '../support/testEnvironment';

/** A PostgreSQL server that a test may kill. */
export interface OwnPostgres {
  /** kill -9 */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts one; from now on this test file makes its databases there. */
export async function useOwnPostgres(): Promise<OwnPostgres> {
  const home = mkdtempSync(join(tmpdir(), 'countersign-faults-'));
  chmodSync(home, 0o711); // user postgres has to pass through it
  const watchdog = startWatchdog();
  watchdog.removeAtEnd(home);
  const [port = 0] = await freePorts(1);
  const logFile = join(home, 'postgres.log');
  const start = () => startPostgres({ home, database: 'template_of_test', port, logFile, watchdog });
  let server: RunningPostgres = await start();
  await migrate(server.url);
  const admin = new URL(server.url);
  admin.pathname = '/postgres';
  process.env[TEST_DATABASE_URL] = admin.href;
  process.env[TEST_TEMPLATE] = 'template_of_test';
  return {
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.ended;
    },
    async restart() {
      server = await start();
    },
    close: () => watchdog.close(),
  };
}
