import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { migrate } from '../../db/migrate';
import { startWatchdog } from '../../stack/guard';
import { freePorts } from '../../stack/ports';
import { startPostgres } from '../../stack/postgres';

export interface OwnPostgres {
  url: string;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

/** A PostgreSQL of its own in a temporary folder, as durable as in production, with the schema in place. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const watchdog = startWatchdog();
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-races-'));
  fs.chmodSync(home, 0o711); // user `postgres` has to pass through it
  watchdog.removeAtEnd(home);
  const [port = 0] = await freePorts(1);
  const logFile = path.join(home, 'postgres.log');
  const postgres = await startPostgres({ home, database: 'races', port, logFile, watchdog });
  await migrate(postgres.url);
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop(5_000);
      await watchdog.close();
    },
  };
}
