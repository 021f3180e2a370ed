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

/** Runs a worker, and a new one whenever it fails, until it is stopped. `create` gives up when the signal says so. */
export function keepWorking(
  role: string,
  logger: Logger,
  create: (stopping: AbortSignal) => Promise<Worker>,
): LastingWorker {
  const stopping = new AbortController();
  const { signal } = stopping;
  let current: Worker | undefined;
  let started!: () => void;
  const working = new Promise<void>((resolve) => (started = resolve));

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        current = await create(signal);
        const running = current.run();
        // Stopped while it was made: it has to run first, or it would hold its connection for ever.
        if (signal.aborted) current.shutdown();
        else logger.info({ role }, 'working');
        started();
        await running;
      } catch (error) {
        if (!signal.aborted) logger.error({ err: error, role }, 'the worker has failed and starts anew');
      }
      current = undefined;
      await delay(AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }
  const done = run();

  return {
    working,
    async stop() {
      stopping.abort();
      if (current?.getState() === 'RUNNING') current.shutdown();
      await done;
    },
  };
}

/** What is waited for, unless the signal comes first. */
export async function unlessStopped<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let refuse = () => {};
  const stopped = new Promise<never>((_, reject) => (refuse = () => reject(new Error('stopped'))));
  signal.addEventListener('abort', refuse);
  try {
    return await Promise.race([waiting, stopped]);
  } finally {
    signal.removeEventListener('abort', refuse);
  }
}
