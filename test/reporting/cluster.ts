import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startWatchdog } from '../../stack/guard';
import { freePorts } from '../../stack/ports';
import { startPostgres } from '../../stack/postgres';

export interface Cluster {
  readonly url: string;
  /** The same server again, with nothing in its memory nor, on Linux, in the system's. */
  restartCold(): Promise<void>;
  diskMb(): number;
  /** Ends the server; removes its files unless the home was given. */
  stop(): Promise<void>;
}

/** A PostgreSQL as the stack starts it, in a temporary folder or in a home that is kept. */
export async function startCluster(keptHome?: string): Promise<Cluster> {
  const watchdog = startWatchdog();
  const home = keptHome ?? fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-reporting-'));
  fs.mkdirSync(home, { recursive: true });
  fs.chmodSync(home, 0o711); // user `postgres` has to pass through it
  if (keptHome === undefined) watchdog.removeAtEnd(home);
  const [port = 0] = await freePorts(1);
  const start = () =>
    startPostgres({ home, database: 'reporting', port, logFile: path.join(home, 'postgres.log'), watchdog });
  const base = path.join(home, 'postgres', 'data', 'base');
  let postgres = await start();
  return {
    url: postgres.url,
    async restartCold() {
      await postgres.stop(60_000);
      execFileSync('sync', ['-f', base]);
      for (const file of filesBelow(base)) {
        // GNU dd: "advise to drop cache for the whole file".
        execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
      }
      postgres = await start();
    },
    diskMb: () => Math.round(filesBelow(base).reduce((sum, file) => sum + fs.statSync(file).size, 0) / 1e6),
    async stop() {
      await postgres.stop(60_000);
      await watchdog.close();
    },
  };
}

const filesBelow = (folder: string): string[] =>
  fs
    .readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
