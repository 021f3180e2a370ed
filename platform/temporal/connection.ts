import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Config } from '../config';
import { isLoopbackHost } from '../environment';

const PACE = { retryMs: 2_000, probeEveryMs: 2_000, probePatienceMs: 1_500 };

export type TemporalState = 'connecting' | 'up' | 'away';

export interface TemporalLink {
  /** `connecting` until the first success, then what the last probe found. Never waits. */
  state(): TemporalState;
  /** Undefined until connected. Calls made while the server is away take ten seconds to fail: ask `state()` first. */
  client(): Client | undefined;
  /** Resolves when connected, rejects when the link is closed before. Workers share it, which allows eager starts. */
  connection(): Promise<NativeConnection>;
  /** Stops connecting and probing, and closes the connection. Shut the workers down before. */
  close(): Promise<void>;
}

export interface TemporalLinkOptions {
  config: Pick<Config, 'temporal'>;
  dataConverter: DataConverter;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Called at the first connection and whenever the server is back, again until it succeeds. What it throws is logged. */
  onUp?: (connection: NativeConnection) => void | Promise<void>;
  connect?: (options: NativeConnectionOptions) => Promise<NativeConnection>;
  pace?: typeof PACE;
}

/**
 * One connection to Temporal for clients and workers, made in the background: NativeConnection has no lazy form, and
 * nothing that answers people may wait for the engine.
 */
export function createTemporalLink({
  config,
  dataConverter,
  logger,
  onUp,
  connect: connectOnce = (options) => NativeConnection.connect(options),
  pace = PACE,
}: TemporalLinkOptions): TemporalLink {
  const { namespace } = config.temporal;
  const stop = new AbortController();
  const connected = deferred<NativeConnection>();
  let state: TemporalState = 'connecting';
  let connection: NativeConnection | undefined;
  let client: Client | undefined;
  let timesUp = 0;

  function becomes(next: 'up' | 'away', error?: unknown): void {
    if (state === next || stop.signal.aborted) return;
    state = next;
    if (next === 'up') logger.info('temporal is up');
    else logger.warn({ err: error }, 'temporal is away');
    if (next === 'up' && connection) void tellUp(connection, ++timesUp);
  }

  /** Again until it succeeds: a server that has only just come up does not do everything yet. */
  async function tellUp(up: NativeConnection, mine: number): Promise<void> {
    for (let attempt = 1; mine === timesUp && state === 'up' && !stop.signal.aborted; attempt++) {
      try {
        return await onUp?.(up);
      } catch (error) {
        if (attempt === 1) logger.error({ err: error }, 'what was to be done when temporal is up has failed');
      }
      await pause(pace.retryMs);
    }
  }

  async function connect(): Promise<NativeConnection | undefined> {
    for (let attempt = 1; !stop.signal.aborted; attempt++) {
      try {
        const made = await connectOnce(connectionOptions(config));
        if (!stop.signal.aborted) return made;
        await made.close(); // closed while the attempt was under way, which cannot be called off
      } catch (error) {
        // Once, not every two seconds: /readyz tells that it lasts.
        if (attempt === 1 && !stop.signal.aborted) logger.warn({ err: error }, 'temporal cannot be reached, trying on');
      }
      await pause(pace.retryMs);
    }
    return undefined;
  }

  /** The SDK retries inside a call for ten seconds, whatever the deadline: so our own clock says `away` meanwhile. */
  async function probe(up: NativeConnection): Promise<void> {
    const timer = setTimeout(() => becomes('away', new Error('no answer in time')), pace.probePatienceMs);
    try {
      await up.withDeadline(Date.now() + pace.probePatienceMs, () => up.workflowService.getSystemInfo({}));
      becomes('up');
    } catch (error) {
      becomes('away', error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A pause that closing ends. */
  const pause = (ms: number): Promise<unknown> => delay(ms, undefined, { signal: stop.signal }).catch(() => undefined);

  async function run(): Promise<void> {
    const made = await connect();
    if (made === undefined) return;
    connection = made;
    client = new Client({ connection: made, namespace, dataConverter });
    connected.resolve(made);
    becomes('up');
    while (!stop.signal.aborted) {
      await pause(pace.probeEveryMs);
      if (!stop.signal.aborted) await probe(made);
    }
  }

  void run();

  return {
    state: () => state,
    client: () => client,
    connection: () => connected.promise,
    async close() {
      stop.abort();
      connected.reject(new Error('The link to Temporal is closed.'));
      client = undefined;
      const open = connection;
      connection = undefined;
      await open?.close();
    },
  };
}

function connectionOptions({ temporal }: Pick<Config, 'temporal'>): NativeConnectionOptions {
  const { address } = temporal.connection;
  const host = address.replace(/:\d+$/, '');
  // Compressing what never leaves the machine costs an eighth of the processor for nothing.
  return { ...temporal.connection, ...(isLoopbackHost(host) && { grpcCompression: { codec: 'none' } }) };
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined); // nobody has to wait for it
  return { promise, resolve, reject };
}
