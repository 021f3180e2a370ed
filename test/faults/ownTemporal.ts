import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { startWatchdog } from '../../stack/guard';
import { freePorts } from '../../stack/ports';
import { startTemporal, TEMPORAL_NAMESPACE } from '../../stack/temporal';
import type { RunningTemporal } from '../../stack/temporal';

/** A Temporal server that a test may kill. Its workflows are in a file, and survive it. */
export interface OwnTemporal {
  address: string;
  start(): Promise<void>;
  /** kill -9 */
  kill(): Promise<void>;
  /** Asks the running server. */
  withClient<T>(ask: (client: Client) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Chooses its port and folder; starts nothing yet. */
export async function planOwnTemporal(): Promise<OwnTemporal> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-faults-'));
  const watchdog = startWatchdog();
  watchdog.removeAtEnd(folder);
  const [port = 0] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  let server: RunningTemporal | undefined;
  return {
    address,
    async start() {
      server = await startTemporal({
        port,
        logFile: join(folder, 'temporal.log'),
        dbFile: join(folder, 'temporal.db'),
        watchdog,
      });
    },
    async kill() {
      process.kill(server!.pid, 'SIGKILL');
      await server!.ended;
    },
    async withClient(ask) {
      const connection = await Connection.connect({ address });
      try {
        return await ask(new Client({ connection, namespace: TEMPORAL_NAMESPACE }));
      } finally {
        await connection.close();
      }
    },
    close: () => watchdog.close(),
  };
}
