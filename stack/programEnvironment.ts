import type { Ports } from './home';

/** Settings of the stack itself, which the program does not know. */
const STACK_ONLY = [
  'COUNTERSIGN_HOME',
  'COUNTERSIGN_CACHE',
  'COUNTERSIGN_POSTGRES_PORT',
  'COUNTERSIGN_TEMPORAL_PORT',
  'COUNTERSIGN_TEMPORAL_UI_PORT',
  'COUNTERSIGN_DEMO_SHOP_PORT',
];

export interface ProgramSettings {
  env: NodeJS.ProcessEnv;
  ports: Ports;
  masterKeys: string;
  /** As long as it is not known, an address that nobody calls. */
  databaseUrl?: string;
  temporal?: { address: string; uiUrl: string | undefined };
  workflowBundle?: string;
}

/** The environment of the program: what the person set, and what the stack adds where it was not set. */
export function programEnvironment(settings: ProgramSettings): NodeJS.ProcessEnv {
  const { env, ports, masterKeys, databaseUrl = env['DATABASE_URL'] ?? 'postgres://planned' } = settings;
  const { temporal, workflowBundle } = settings;
  const ownServer = !env['TEMPORAL_ADDRESS'];
  const inherited = Object.entries(env).filter(
    // A key or a profile for somebody's cluster is nothing for the server that we start.
    ([name]) => !STACK_ONLY.includes(name) && !(ownServer && name.startsWith('TEMPORAL_')),
  );
  return {
    COUNTERSIGN_SIMULATOR: '1',
    COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '0',
    COUNTERSIGN_SHUTDOWN_GRACE_SECONDS: '2',
    ...(temporal?.uiUrl === undefined ? {} : { COUNTERSIGN_CODEC_ORIGIN: temporal.uiUrl }),
    ...(workflowBundle === undefined ? {} : { COUNTERSIGN_WORKFLOW_BUNDLE: workflowBundle }),
    ...Object.fromEntries(inherited),
    ...(ownServer && temporal ? { TEMPORAL_ADDRESS: temporal.address } : {}),
    DATABASE_URL: databaseUrl,
    COUNTERSIGN_MASTER_KEYS: masterKeys,
    PORT: String(ports.api),
  };
}
