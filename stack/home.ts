import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from './errors';
import { holderOf, tryLock } from './lock.cjs';
import type { Lock } from './lock.cjs';
import { freePorts, isFree } from './ports';

const ROOT = path.join(__dirname, '..');

/** The folder in which a stack keeps everything; removed by `npm run reset`. */
export interface Home {
  readonly folder: string;
  file(...parts: string[]): string;
}

/** `.countersign/` in the repository, or COUNTERSIGN_HOME. */
export function findHome(env: NodeJS.ProcessEnv): Home {
  const folder = path.resolve(env['COUNTERSIGN_HOME'] || path.join(ROOT, '.countersign'));
  return { folder, file: (...parts) => path.join(folder, ...parts) };
}

/** Makes the home and takes it for this process. @throws StackError when a stack is running on it. */
export function takeHome(home: Home): Lock {
  // As root, PostgreSQL runs as another user, who has to pass through; what is in it is closed file by file.
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
  fs.mkdirSync(home.folder, { recursive: true, mode });
  fs.chmodSync(home.folder, mode);
  const lock = tryLock(lockFile(home));
  if (lock.held) return lock;
  const who = lock.pid === undefined ? '' : ` (process ${lock.pid})`;
  throw new StackError(
    `A stack is already running on ${home.folder}${who}: use that one, end it, or set COUNTERSIGN_HOME to another folder.`,
  );
}

/** The process of the stack that runs on this home, if one does. */
export function runningStack(home: Home): number | undefined {
  return holderOf(lockFile(home))?.pid;
}

function lockFile(home: Home): string {
  return home.file('stack.lock');
}

/** Reads what was kept under this name, or makes and keeps it. Only the owner may read it. */
function keepSecret(home: Home, name: string, make: () => string): string {
  const file = home.file(name);
  if (!fs.existsSync(file)) writePrivately(file, make());
  return fs.readFileSync(file, 'utf8');
}

/** Written aside and renamed: whoever waits for the file never reads half of it. */
export function writePrivately(file: string, text: string): void {
  const unfinished = `${file}.unfinished`;
  fs.rmSync(unfinished, { force: true });
  fs.writeFileSync(unfinished, text, { mode: 0o600, flag: 'wx' });
  fs.renameSync(unfinished, file);
}

/** One master key, made once: with another one nothing that is stored could be opened. */
export function keepMasterKeys(home: Home): string {
  return keepSecret(home, 'master-keys', () => `k1:${randomBytes(32).toString('base64')}`);
}

export interface Ports {
  api: number;
  postgres: number;
  temporal: number;
  temporalUi: number;
  demoShop: number;
}

/**
 * The ports of this run: the API's is asked for by PORT, the others are those of the last run where they are free, so
 * that bookmarks and the callback addresses of open approvals stay right.
 */
export async function choosePorts(home: Home, env: NodeJS.ProcessEnv): Promise<Ports> {
  const file = home.file('ports.json');
  const last = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Ports>) : {};
  const fresh = await freePorts(5);
  const choose = async (name: keyof Ports, variable?: string) => {
    const given = variable === undefined ? undefined : givenPort(env, variable);
    const spare = fresh.pop() ?? 0;
    if (given !== undefined && given > 0) {
      if (await isFree(given)) return given;
      throw new StackError(
        `Port ${given} is taken: end what uses it, or choose another one, for example ${variable}=${given + 1} npm start.`,
      );
    }
    const before = last[name];
    return given === undefined && before !== undefined && (await isFree(before)) ? before : spare;
  };
  const ports: Ports = {
    api: await choose('api', 'PORT'),
    postgres: await choose('postgres', 'COUNTERSIGN_POSTGRES_PORT'),
    temporal: await choose('temporal', 'COUNTERSIGN_TEMPORAL_PORT'),
    temporalUi: await choose('temporalUi', 'COUNTERSIGN_TEMPORAL_UI_PORT'),
    demoShop: await choose('demoShop', 'COUNTERSIGN_DEMO_SHOP_PORT'),
  };
  fs.writeFileSync(file, `${JSON.stringify(ports)}\n`);
  return ports;
}

const DEFAULT_PORT = 4700;

function givenPort(env: NodeJS.ProcessEnv, variable: string): number | undefined {
  const text = env[variable];
  if (text === undefined || text === '') return variable === 'PORT' ? DEFAULT_PORT : undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new StackError(`${variable} is not a port number (0 to 65535).`);
  return port;
}
