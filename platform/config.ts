import { existsSync } from 'node:fs';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';

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
  codecOrigin?: string;
  logLevel: LogLevel;
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

export type Environment = Readonly<Record<string, string | undefined>>;

/** The exit code of a program that is configured wrongly (EX_CONFIG of sysexits.h). */
export const EXIT_CONFIG = 78;

/** Names every problem of the environment at once. Values never appear: most of them are secrets. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not usable: ${problems.join('; ')}`);
    this.name = 'ConfigError';
  }
}

const KNOWN = [
  'COUNTERSIGN_HOST',
  'COUNTERSIGN_ROLES',
  'COUNTERSIGN_MASTER_KEYS',
  'COUNTERSIGN_PUBLIC_URLS',
  'COUNTERSIGN_SIMULATOR',
  'COUNTERSIGN_CODEC_ORIGIN',
  'COUNTERSIGN_LOG_LEVEL',
  'COUNTERSIGN_SHUTDOWN_GRACE_SECONDS',
  'COUNTERSIGN_TASK_QUEUE_PREFIX',
  'COUNTERSIGN_BUILD_ID',
  'COUNTERSIGN_WORKFLOW_BUNDLE',
] as const;

const DEFAULT_PORT = 4700;
const MASTER_KEY_BYTES = 32;
/** What parsers return for a value that they have complained about; loadConfig throws before anybody sees it. */
const BROKEN = '';

/** Reads the whole environment, or throws a ConfigError that names all that is wrong with it. */
export function loadConfig(env: Environment): Config {
  const problems: string[] = [];
  const read = (name: string): string | undefined => env[name]?.trim() || undefined;
  const complain = (name: string, sentence: string): void => void problems.push(`${name} ${sentence}`);

  for (const name of Object.keys(env)) {
    if (name.startsWith('COUNTERSIGN_') && !KNOWN.some((known) => known === name)) complain(name, 'is not known');
  }

  const host = read('COUNTERSIGN_HOST') ?? '127.0.0.1';
  const port = readInteger('PORT', DEFAULT_PORT, 0, 65_535);
  const simulator = readSwitch('COUNTERSIGN_SIMULATOR');
  const codecOrigin = readOrigin('COUNTERSIGN_CODEC_ORIGIN');
  const buildId = readMatching('COUNTERSIGN_BUILD_ID', /^[\w.:-]{1,128}$/, 'letters, digits and . _ : -');
  const workflowBundlePath = readFile('COUNTERSIGN_WORKFLOW_BUNDLE');

  if (!isLoopbackHost(host)) {
    for (const name of ['COUNTERSIGN_SIMULATOR', 'COUNTERSIGN_CODEC_ORIGIN']) {
      if (read(name)) complain(name, 'is for development on a loopback COUNTERSIGN_HOST only');
    }
  }

  const config: Config = {
    databaseUrl: readDatabaseUrl(),
    host,
    port,
    roles: readRoles(),
    masterKeys: readMasterKeys(),
    publicUrls: readPublicUrls(),
    simulator,
    logLevel: readLogLevel(),
    shutdownGraceSeconds: readInteger('COUNTERSIGN_SHUTDOWN_GRACE_SECONDS', 15, 0, 600),
    taskQueuePrefix:
      readMatching('COUNTERSIGN_TASK_QUEUE_PREFIX', /^[\w.-]{1,64}$/, 'letters, digits and . _ -') ?? 'countersign',
    temporal: readTemporal(),
    ...(codecOrigin !== undefined && { codecOrigin }),
    ...(buildId !== undefined && { buildId }),
    ...(workflowBundlePath !== undefined && { workflowBundlePath }),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;

  function readDatabaseUrl(): string {
    const text = read('DATABASE_URL');
    if (text === undefined) complain('DATABASE_URL', 'is missing');
    else if (!['postgres:', 'postgresql:'].includes(toUrl(text)?.protocol ?? '')) {
      complain('DATABASE_URL', 'is not a postgresql:// URL');
    }
    return text ?? BROKEN;
  }

  function readInteger(name: string, usual: number, least: number, most: number): number {
    const text = read(name);
    if (text === undefined) return usual;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    complain(name, `is not a whole number from ${least} to ${most}`);
    return usual;
  }

  function readSwitch(name: string): boolean {
    const text = read(name);
    if (text !== undefined && text !== '0' && text !== '1') complain(name, 'is neither 0 nor 1');
    return text === '1';
  }

  function readMatching(name: string, pattern: RegExp, allowed: string): string | undefined {
    const text = read(name);
    if (text !== undefined && !pattern.test(text)) complain(name, `may only have ${allowed}, and not be too long`);
    return text;
  }

  function readFile(name: string): string | undefined {
    const path = read(name);
    if (path !== undefined && !existsSync(path)) complain(name, 'names a file that does not exist');
    return path;
  }

  function readOrigin(name: string): string | undefined {
    const text = read(name);
    const url = text === undefined ? undefined : toHttpUrl(text);
    if (text !== undefined && url?.origin !== text) {
      complain(name, 'is not one origin such as http://127.0.0.1:8233, without path or trailing slash');
    }
    return text;
  }

  function readLogLevel(): LogLevel {
    const text = read('COUNTERSIGN_LOG_LEVEL') ?? 'info';
    const level = LOG_LEVELS.find((known) => known === text);
    if (level === undefined) complain('COUNTERSIGN_LOG_LEVEL', `is not one of ${LOG_LEVELS.join(', ')}`);
    return level ?? 'info';
  }

  function readRoles(): ReadonlySet<Role> {
    const text = read('COUNTERSIGN_ROLES');
    if (text === undefined) return new Set(ROLES);
    const asked = splitList(text);
    const roles = ROLES.filter((role) => asked.includes(role));
    if (roles.length === 0 || asked.some((name) => !ROLES.some((role) => role === name))) {
      complain('COUNTERSIGN_ROLES', `is not a comma-separated list of ${ROLES.join(', ')}`);
    }
    return new Set(roles);
  }

  function readMasterKeys(): MasterKey[] {
    const name = 'COUNTERSIGN_MASTER_KEYS';
    const text = read(name);
    if (text === undefined) {
      complain(name, 'is missing');
      return [];
    }
    const keys: MasterKey[] = [];
    for (const [index, entry] of splitList(text).entries()) {
      const [, id = '', base64 = ''] = /^([\w-]{1,32}):([A-Za-z0-9+/]+={0,2})$/.exec(entry) ?? [];
      const key = Buffer.from(base64, 'base64');
      if (id === '' || key.length !== MASTER_KEY_BYTES) {
        complain(name, `has an entry (number ${index + 1}) that is not <id>:<base64 of ${MASTER_KEY_BYTES} bytes>`);
      } else if (keys.some((other) => other.id === id || other.key.equals(key))) {
        complain(name, `has an entry (number ${index + 1}) that repeats an earlier id or key`);
      } else {
        keys.push({ id, key });
      }
    }
    if (keys.length === 0 && problems.every((problem) => !problem.startsWith(name))) complain(name, 'has no key');
    return keys;
  }

  function readPublicUrls(): string[] {
    const name = 'COUNTERSIGN_PUBLIC_URLS';
    const text = read(name);
    if (text === undefined) {
      if (!isLoopbackHost(host)) complain(name, 'is missing: devices sign the address that they call');
      return port === 0 ? [] : defaultPublicUrls(port);
    }
    const urls = splitList(text);
    for (const [index, entry] of urls.entries()) {
      const url = toHttpUrl(entry);
      if (!url || url.username || url.password || /[?#]/.test(entry)) {
        complain(name, `has an entry (number ${index + 1}) that is not a plain http(s) base URL`);
      }
    }
    if (urls.length === 0) complain(name, 'has no URL');
    return urls.map((entry) => (toHttpUrl(entry)?.href ?? BROKEN).replace(/\/+$/, ''));
  }

  function readTemporal(): TemporalConfig {
    const configFile = read('TEMPORAL_CONFIG_FILE');
    if (configFile !== undefined && !existsSync(configFile)) {
      complain('TEMPORAL_CONFIG_FILE', 'names a file that does not exist');
    }
    if (read('TEMPORAL_TLS_DISABLE_HOST_VERIFICATION')) {
      complain('TEMPORAL_TLS_DISABLE_HOST_VERIFICATION', 'is not supported: give the CA or the server name instead');
    }
    const half = (part: 'CERT' | 'KEY') =>
      read(`TEMPORAL_TLS_CLIENT_${part}_PATH`) ?? read(`TEMPORAL_TLS_CLIENT_${part}_DATA`);
    // Without this check the SDK would drop a lone half silently and connect without a client certificate.
    if (!configFile && (half('CERT') === undefined) !== (half('KEY') === undefined)) {
      complain('TEMPORAL_TLS_CLIENT_CERT_* and TEMPORAL_TLS_CLIENT_KEY_*', 'have to be given together');
    }
    const fallback = { namespace: 'default', connection: { address: '127.0.0.1:7233' } };
    try {
      const { namespace, connectionOptions } = loadClientConnectConfig({
        overrideEnvVars: Object.fromEntries(
          Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
        ),
        // A profile in somebody's home directory must not reach a server that was not told about it.
        disableFile: configFile === undefined && read('TEMPORAL_PROFILE') === undefined,
        configFileStrict: true,
      });
      return {
        namespace: namespace ?? fallback.namespace,
        connection: { ...connectionOptions, address: connectionOptions.address ?? fallback.connection.address },
      };
    } catch {
      // The SDK's own sentence can hold a path or a line of the file.
      complain('TEMPORAL_*', 'cannot be read: look at the profile, the configuration file and the TLS files it names');
      return fallback;
    }
  }
}

/** The base URLs of a development server whose port is known. */
export function defaultPublicUrls(port: number): string[] {
  return [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
}

/** True for names and literal addresses that never leave this machine. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function splitList(text: string): string[] {
  return text.split(',').flatMap((entry) => entry.trim() || []);
}

function toUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function toHttpUrl(text: string): URL | undefined {
  const url = toUrl(text);
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}
