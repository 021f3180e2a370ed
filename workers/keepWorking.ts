import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';

const AGAIN_MS = 2_000;

/** A worker that is there as long as the program is. */
export interface LastingWorker {
  /** Resolves when it polls for the first time. */
  working: Promise<void>;
  /** Lets what is under way end within the grace. */
  stop(): Promise<void>;
}

/** Runs a worker, and a new one whenever it fails, until it is stopped. */
export function keepWorking(role: string, logger: Logger, create: () => Promise<Worker>): LastingWorker {
  const stopping = new AbortController();
  let current: Worker | undefined;
  let started!: () => void;
  const working = new Promise<void>((resolve) => (started = resolve));

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        current = await create();
        if (stopping.signal.aborted) current.shutdown();
        const running = current.run();
        logger.info({ role }, 'working');
        started();
        await running;
      } catch (error) {
        if (!stopping.signal.aborted) logger.error({ err: error, role }, 'the worker has failed and starts anew');
      }
      current = undefined;
      await delay(AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
  const done = run();

  return {
    working,
    async stop() {
      stopping.abort();
      if (current?.getState() === 'RUNNING') current.shutdown();
      // While Temporal is away there is no worker yet, and nothing to wait for.
      if (current) await done;
    },
  };
}
