import { connect } from 'node:http2';
import fs from 'node:fs';
import path from 'node:path';
import { COUNTERSIGN_KIND, COUNTERSIGN_OUTCOME, COUNTERSIGN_TENANT } from '../platform/temporal/searchAttributes';
import { startPart, whenReady } from './part';
import type { Part } from './part';
import { provideTemporal } from './temporalBinary';
import type { Watchdog } from './guard';

const READY_WITHIN_MS = 60_000;
const PROBE_MS = 2_000;

const SEARCH_ATTRIBUTES = [COUNTERSIGN_TENANT, COUNTERSIGN_KIND, COUNTERSIGN_OUTCOME];
export const TEMPORAL_NAMESPACE = 'default';

export interface TemporalOptions {
  port: number;
  logFile: string;
  watchdog: Watchdog;
  /** Workflows are kept in this SQLite file; in memory without it. */
  dbFile?: string;
  /** The UI, and where it has payloads decoded; no UI without it. */
  ui?: { port: number; codecEndpoint: string };
}

export interface RunningTemporal extends Part {
  readonly address: string;
  readonly uiUrl: string | undefined;
}

/** Starts a real Temporal server on loopback; the first time, this fetches or builds it, and says so. */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  const { port, logFile, watchdog, dbFile, ui } = options;
  if (dbFile !== undefined) fs.mkdirSync(path.dirname(dbFile), { recursive: true, mode: 0o700 });
  const part = startPart({
    name: 'Temporal',
    command: await provideTemporal(watchdog),
    args: serverArguments(options),
    env: environmentWithout('TEMPORAL_'),
    cwd: path.dirname(logFile),
    logFile,
    stopSignal: 'SIGTERM',
    watchdog,
  });
  const address = `127.0.0.1:${port}`;
  await whenReady(part, READY_WITHIN_MS, async () => ((await isServing(address)) ? true : undefined));
  return Object.assign(part, { address, uiUrl: ui ? `http://127.0.0.1:${ui.port}` : undefined });
}

function serverArguments({ port, dbFile, ui }: TemporalOptions): string[] {
  const dynamic = {
    // An activity that the worker has room for comes back with the workflow task that asked for it.
    'system.enableActivityEagerExecution': true,
    // One partition: on one machine four of them only add hops.
    'matching.numTaskqueueReadPartitions': 1,
    'matching.numTaskqueueWritePartitions': 1,
  };
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
    // The server knows them before the first workflow is started.
    ...SEARCH_ATTRIBUTES.flatMap(({ name }) => ['--search-attribute', `${name}=Keyword`]),
    ...Object.entries(dynamic).flatMap(([name, value]) => ['--dynamic-config-value', `${name}=${value}`]),
    ...(ui ? ['--ui-port', String(ui.port), '--ui-codec-endpoint', ui.codecEndpoint] : ['--headless']),
    // Survives a killed process, though not a power cut: this is a server for development.
    ...(dbFile === undefined
      ? []
      : ['--db-filename', dbFile, '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=OFF']),
  ];
}

function environmentWithout(prefix: string): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith(prefix)));
}

/** Asks the frontend for its health by `grpc.health.v1`, without loading a gRPC library for it. */
function isServing(address: string): Promise<boolean> {
  const service = Buffer.from('temporal.api.workflowservice.v1.WorkflowService');
  const message = Buffer.concat([Buffer.from([0x0a, service.length]), service]);
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  return new Promise((resolve) => {
    const session = connect(`http://${address}`);
    const answer = (serving: boolean) => {
      session.destroy();
      resolve(serving);
    };
    session.setTimeout(PROBE_MS, () => answer(false));
    session.on('error', () => answer(false));
    const request = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => answer(false));
    // After the five bytes of framing: field 1 (status) = 1 (SERVING).
    request.on('end', () =>
      answer(
        Buffer.concat(chunks)
          .subarray(5)
          .equals(Buffer.from([0x08, 0x01])),
      ),
    );
    request.end(frame);
  });
}
