import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { readEmailConfig } from './emailConfig';
import type { EmailConfig } from './emailConfig';
import { BROKEN, EnvironmentReader, isLoopbackHost, splitList, toUrl } from './environment';
import type { Environment } from './environment';

export const ROLES = ['api', 'approvals', 'webhooks'] as const;
export type Role = (typeof ROLES)[number];

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface MasterKey {
  id: string;
  key: Buffer;
}

/** Everything that the program is told from outside. Plain data, handed down. */
export interface Config {
  databaseUrl: string;
  host: string;
  /** 0 takes a free port. */
  port: number;
  roles: ReadonlySet<Role>;
  /** The first is the current one, the others still open what they sealed. */
  masterKeys: readonly MasterKey[];
  /** Base URLs without a trailing slash, the first is canonical. Empty while the port is not known (port 0). */
  publicUrls: readonly string[];
  simulator: boolean;
  /** Without it no e-mails are sent, but simulated ones. */
  email?: EmailConfig;
  codecOrigin?: string;
  /** With it, clients of the Authy dashboard API make tenants. */
  integrationApiKey?: string;
  logLevel: LogLevel;
  /** How long a process that was told to stop still takes requests while it is not ready: until balancers have noticed. */
  shutdownNoticeSeconds: number;
  /** How long work under way may take after that. */
  shutdownGraceSeconds: number;
  taskQueuePrefix: string;
  buildId?: string;
  workflowBundlePath?: string;
  temporal: TemporalConfig;
}

export interface TemporalConfig {
  namespace: string;
  connection: NativeConnectionOptions & { address: string };
}

/** The exit code of a program that is configured wrongly (EX_CONFIG of sysexits.h). */
export const EXIT_CONFIG = 78;

/** Names every problem of the environment at once. Values never appear: most of them are secrets. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(['The configuration is not usable:', ...problems].join('\n  - '));
    this.name = 'ConfigError';
  }
}

const KNOWN = new Set([
  'COUNTERSIGN_HOST',
  'COUNTERSIGN_ROLES',
  'COUNTERSIGN_MASTER_KEYS',
  'COUNTERSIGN_PUBLIC_URLS',
  'COUNTERSIGN_SIMULATOR',
  'COUNTERSIGN_SMTP_URL',
  'COUNTERSIGN_EMAIL_FROM',
  'COUNTERSIGN_CODEC_ORIGIN',
  'COUNTERSIGN_INTEGRATION_API_KEY',
  'COUNTERSIGN_LOG_LEVEL',
  'COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS',
  'COUNTERSIGN_SHUTDOWN_GRACE_SECONDS',
  'COUNTERSIGN_TASK_QUEUE_PREFIX',
  'COUNTERSIGN_BUILD_ID',
  'COUNTERSIGN_WORKFLOW_BUNDLE',
]);

const WEB = ['http:', 'https:'];
const MASTER_KEY_BYTES = 32;
const TEMPORAL_DEFAULTS = { namespace: 'default', address: '127.0.0.1:7233' };

/** Reads the whole environment, or throws a ConfigError that names all that is wrong with it. */
export function loadConfig(env: Environment): Config {
  const vars = new EnvironmentReader(env);
  for (const name of Object.keys(env)) {
    // A misspelt setting would otherwise be a setting that silently has its default.
    if (name.startsWith('COUNTERSIGN_') && !KNOWN.has(name)) vars.complain(name, 'is not known');
  }
  const host = vars.read('COUNTERSIGN_HOST') ?? '127.0.0.1';
  const port = vars.integer('PORT', 4700, 0, 65_535);
  const codecOrigin = readOrigin(vars, 'COUNTERSIGN_CODEC_ORIGIN');
  const email = readEmailConfig(vars);
  const integrationApiKey = vars.matching(
    'COUNTERSIGN_INTEGRATION_API_KEY',
    /^[\x21-\x7e]{32,200}$/,
    '32 to 200 printable characters',
  );
  const buildId = vars.matching('COUNTERSIGN_BUILD_ID', /^[\w.:-]{1,128}$/, '1 to 128 letters, digits and . _ : -');
  const workflowBundlePath = vars.existingFile('COUNTERSIGN_WORKFLOW_BUNDLE');
  const config: Config = {
    databaseUrl: readDatabaseUrl(vars),
    host,
    port,
    roles: readRoles(vars),
    masterKeys: readMasterKeys(vars),
    publicUrls: readPublicUrls(vars, host, port),
    simulator: vars.toggle('COUNTERSIGN_SIMULATOR'),
    logLevel: vars.oneOf('COUNTERSIGN_LOG_LEVEL', LOG_LEVELS, 'info'),
    shutdownNoticeSeconds: vars.integer('COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS', 5, 0, 600),
    shutdownGraceSeconds: vars.integer('COUNTERSIGN_SHUTDOWN_GRACE_SECONDS', 15, 0, 600),
    taskQueuePrefix:
      vars.matching('COUNTERSIGN_TASK_QUEUE_PREFIX', /^[\w.-]{1,64}$/, '1 to 64 letters, digits and . _ -') ??
      'countersign',
    temporal: readTemporal(vars),
    ...(email && { email }),
    ...(codecOrigin !== undefined && { codecOrigin }),
    ...(integrationApiKey !== undefined && { integrationApiKey }),
    ...(buildId !== undefined && { buildId }),
    ...(workflowBundlePath !== undefined && { workflowBundlePath }),
  };
  if (!isLoopbackHost(host)) {
    const sentence = 'is for development on a loopback COUNTERSIGN_HOST only';
    if (config.simulator) vars.complain('COUNTERSIGN_SIMULATOR', sentence);
    if (codecOrigin !== undefined) vars.complain('COUNTERSIGN_CODEC_ORIGIN', sentence);
  }
  if (vars.problems.length > 0) throw new ConfigError(vars.problems);
  return config;
}

/** The base URLs of a development server whose port is known. */
export function defaultPublicUrls(port: number): string[] {
  return [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
}

function readDatabaseUrl(vars: EnvironmentReader): string {
  const text = vars.read('DATABASE_URL');
  if (text === undefined) vars.complain('DATABASE_URL', 'is missing');
  else if (!toUrl(text, ['postgres:', 'postgresql:'])) vars.complain('DATABASE_URL', 'is not a postgresql:// URL');
  return text ?? BROKEN;
}

function readOrigin(vars: EnvironmentReader, name: string): string | undefined {
  const text = vars.read(name);
  if (text !== undefined && toUrl(text, WEB)?.origin !== text) {
    vars.complain(name, 'is not one origin such as http://127.0.0.1:8233, without path or trailing slash');
  }
  return text;
}

function readRoles(vars: EnvironmentReader): ReadonlySet<Role> {
  const name = 'COUNTERSIGN_ROLES';
  const text = vars.read(name);
  if (text === undefined) return new Set(ROLES);
  const asked = new Set(splitList(text));
  const roles = ROLES.filter((role) => asked.has(role));
  if (roles.length === 0 || roles.length < asked.size) {
    vars.complain(name, `is not a comma-separated list of ${ROLES.join(', ')}`);
  }
  return new Set(roles);
}

function readMasterKeys(vars: EnvironmentReader): MasterKey[] {
  const name = 'COUNTERSIGN_MASTER_KEYS';
  const entries = splitList(vars.read(name) ?? '');
  if (entries.length === 0) vars.complain(name, 'is missing');
  const keys: MasterKey[] = [];
  for (const [index, entry] of entries.entries()) {
    const [, id = '', base64 = ''] = /^([\w-]{1,32}):([A-Za-z0-9+/]+={0,2})$/.exec(entry) ?? [];
    const key = Buffer.from(base64, 'base64');
    if (key.length !== MASTER_KEY_BYTES) {
      vars.complain(name, `has an entry (number ${index + 1}) that is not <id>:<base64 of ${MASTER_KEY_BYTES} bytes>`);
    } else if (keys.some((other) => other.id === id || other.key.equals(key))) {
      vars.complain(name, `has an entry (number ${index + 1}) that repeats an earlier id or key`);
    } else {
      keys.push({ id, key });
    }
  }
  return keys;
}

function readPublicUrls(vars: EnvironmentReader, host: string, port: number): string[] {
  const name = 'COUNTERSIGN_PUBLIC_URLS';
  const entries = splitList(vars.read(name) ?? '');
  if (entries.length === 0) {
    // Devices sign the address that they call, so the server has to know it.
    if (!isLoopbackHost(host)) vars.complain(name, 'is missing; only a loopback COUNTERSIGN_HOST has a default');
    return port === 0 ? [] : defaultPublicUrls(port);
  }
  return entries.map((entry, index) => {
    const url = toUrl(entry, WEB);
    if (url && !url.username && !url.password && !/[?#]/.test(entry)) return url.href.replace(/\/+$/, '');
    vars.complain(name, `has an entry (number ${index + 1}) that is not a plain http(s) base URL`);
    return BROKEN;
  });
}

function readTemporal(vars: EnvironmentReader): TemporalConfig {
  const configFile = vars.existingFile('TEMPORAL_CONFIG_FILE');
  if (vars.read('TEMPORAL_TLS_DISABLE_HOST_VERIFICATION')) {
    // The SDK for TypeScript reads it and then ignores it.
    vars.complain('TEMPORAL_TLS_DISABLE_HOST_VERIFICATION', 'is not supported: give the CA or the server name instead');
  }
  const half = (part: 'CERT' | 'KEY') =>
    vars.read(`TEMPORAL_TLS_CLIENT_${part}_PATH`) ?? vars.read(`TEMPORAL_TLS_CLIENT_${part}_DATA`);
  const useFile = configFile !== undefined || vars.read('TEMPORAL_PROFILE') !== undefined;
  if (!useFile && (half('CERT') === undefined) !== (half('KEY') === undefined)) {
    // The SDK would drop a lone half silently and connect without a client certificate.
    vars.complain('TEMPORAL_TLS_CLIENT_CERT_* and TEMPORAL_TLS_CLIENT_KEY_*', 'have to be given together');
  }
  try {
    const { namespace = TEMPORAL_DEFAULTS.namespace, connectionOptions } = loadClientConnectConfig({
      overrideEnvVars: vars.all(),
      // A profile in somebody's home directory must not reach a server that was not told about it.
      disableFile: !useFile,
      configFileStrict: true,
    });
    const { address = TEMPORAL_DEFAULTS.address } = connectionOptions;
    return { namespace, connection: { ...connectionOptions, address } };
  } catch {
    // The SDK's own sentence can hold a path, or a line of the file.
    vars.complain('TEMPORAL_*', 'cannot be read: look at the profile, the configuration file and the TLS files');
    return { namespace: BROKEN, connection: { address: BROKEN } };
  }
}
