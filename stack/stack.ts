import fs from 'node:fs';
import { migrate } from '../db/migrate';
import { loadConfig } from '../platform/config';
import type { Config } from '../platform/config';
import { ensureDemo, ensureDemoUser } from './demo';
import type { Demo } from './demo';
import { startDemoShop } from './demoShop';
import type { DemoShop } from './demoShop';
import { StackError } from './errors';
import { startWatchdog } from './guard';
import { choosePorts, keepMasterKeys, takeHome, writePrivately } from './home';
import type { Home, Ports } from './home';
import type { Lock } from './lock.cjs';
import { lastLines } from './part';
import type { Part } from './part';
import { startPostgres } from './postgres';
import { startProgram, whenServing } from './program';
import { programEnvironment } from './programEnvironment';
import { startTemporal } from './temporal';
import { keptWorkflowBundle } from './workflowBundle';

/** The program's own grace is 2 s; together with the servers' second everything ends within 5 s. */
const PROGRAM_STOP_MS = 3_200;
const SERVER_STOP_MS = 1_200;
const DATABASE = 'countersign';

/** What `stack.json` says, for the phone, the SDK's examples and tests. */
export interface StackFacts {
  apiUrl: string;
  apiKey: string;
  tenantId: string;
  userId: string;
  signingKey: string;
  authyApiKey: string;
  /** Those of the dashboard API of the Authy dialect. */
  appApiKey: string;
  accessKey: string;
  apiSigningKey: string;
  /** Where the demo shop takes callbacks. */
  callbackUrl: string;
  temporalAddress: string;
  temporalNamespace: string;
  /** Null where the Temporal server is not ours. */
  temporalUiUrl: string | null;
  databaseUrl: string;
  pid: number;
}

export interface Stack {
  /** Settles when everything serves. */
  readonly ready: Promise<StackFacts>;
  /** Rejects when a part has ended by itself; never settles otherwise. */
  readonly broken: Promise<never>;
  /** Ends everything that was started, in order, within 5 s. */
  stop(): Promise<void>;
}

export interface StackOptions {
  home: Home;
  env: NodeJS.ProcessEnv;
  show: (line: string) => void;
}

interface TemporalFacts {
  address: string;
  uiUrl: string | undefined;
}

/** Starts PostgreSQL, Temporal, the program and the demo shop on one home. */
export function startStack({ home, env, show }: StackOptions): Stack {
  const watchdog = startWatchdog();
  let lock: Lock | undefined;
  let program: Part | undefined;
  let demoShop: DemoShop | undefined;
  const servers: Part[] = [];
  let stopping = false;
  let breaks: (error: Error) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => (breaks = reject));
  // Heard only by who waits for it; a stack that never got ready says what happened by `ready`.
  broken.catch(() => undefined);

  /** From now on the end of this part is the end of the stack. */
  function watch<P extends Part>(part: P): P {
    void part.ended.then((how) => {
      if (stopping) return;
      const sentence = `${part.name} has ended by itself (${how}), so the stack ends too.`;
      breaks(new StackError(sentence + lastLines(part.logFile), part.ending()?.code || 1));
    });
    return part;
  }
  void watchdog.ended.then(() => {
    if (!stopping) breaks(new StackError('The watchdog has ended by itself, so the stack ends too.'));
  });

  async function start(): Promise<StackFacts> {
    lock = takeHome(home);
    fs.rmSync(home.file('stack.json'), { force: true });
    const ports = await choosePorts(home, env);
    const settings = { env, ports, masterKeys: env['COUNTERSIGN_MASTER_KEYS'] ?? keepMasterKeys(home) };
    // All that is wrong with the settings is said before anything is started.
    const config = loadConfig(programEnvironment(settings));

    const [{ databaseUrl, demo }, temporal, workflowBundle] = await Promise.all([
      provideDatabase(ports, config),
      provideTemporal(ports, config),
      keptWorkflowBundle(),
    ]);
    demoShop = await startDemoShop({ port: ports.demoShop, signingKey: demo.signingKey, show });

    const apiUrl = `http://127.0.0.1:${ports.api}`;
    const programEnv = programEnvironment({ ...settings, databaseUrl, temporal, workflowBundle });
    program = watch(startProgram({ env: programEnv, logFile: home.file('logs', 'program.log'), watchdog, show }));
    await whenServing(program, apiUrl);
    const facts: StackFacts = {
      apiUrl,
      ...demo,
      userId: await ensureDemoUser(apiUrl, demo.apiKey),
      callbackUrl: demoShop.callbackUrl,
      temporalAddress: temporal.address,
      temporalNamespace: config.temporal.namespace,
      temporalUiUrl: temporal.uiUrl ?? null,
      databaseUrl,
      pid: process.pid,
    };
    writePrivately(home.file('stack.json'), `${JSON.stringify(facts, undefined, 2)}\n`);
    return facts;
  }

  async function provideDatabase(ports: Ports, config: Config): Promise<{ databaseUrl: string; demo: Demo }> {
    const given = env['DATABASE_URL'];
    const databaseUrl = given ?? (await embeddedPostgres(ports.postgres));
    try {
      await migrate(databaseUrl);
    } catch (error) {
      if (given === undefined) throw error;
      throw new StackError(
        `The database of DATABASE_URL cannot be used: ${(error as Error).message || 'no connection'}.`,
      );
    }
    return { databaseUrl, demo: await ensureDemo({ home, databaseUrl, masterKeys: config.masterKeys }) };
  }

  async function embeddedPostgres(port: number): Promise<string> {
    const logFile = home.file('logs', 'postgres.log');
    const server = await startPostgres({ home: home.folder, database: DATABASE, port, logFile, watchdog });
    servers.push(watch(server));
    if (server.note !== undefined) show(server.note);
    return server.url;
  }

  async function provideTemporal(ports: Ports, config: Config): Promise<TemporalFacts> {
    if (env['TEMPORAL_ADDRESS']) return { address: config.temporal.connection.address, uiUrl: undefined };
    const server = await startTemporal({
      port: ports.temporal,
      logFile: home.file('logs', 'temporal.log'),
      watchdog,
      dbFile: home.file('temporal', 'temporal.db'),
      ui: { port: ports.temporalUi, codecEndpoint: `http://127.0.0.1:${ports.api}/codec` },
    });
    servers.push(watch(server));
    return server;
  }

  return {
    ready: start(),
    broken,
    async stop() {
      stopping = true;
      await program?.stop(PROGRAM_STOP_MS);
      await Promise.all([...servers.map((server) => server.stop(SERVER_STOP_MS)), demoShop?.close()]);
      // Whatever was only just being started is ended by the watchdog.
      await watchdog.close();
      if (!lock) return;
      fs.rmSync(home.file('stack.json'), { force: true });
      lock.release();
    },
  };
}
