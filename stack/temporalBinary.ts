import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, request } from 'undici';
import { StackError } from './errors';
import { lock } from './lock.cjs';
import { progress } from './progress.cjs';
import type { Watchdog } from './guard';

const VERSION = '1.8.2';
const CONNECT_MS = 10_000;
const DOWNLOAD_MS = 10 * 60_000;
const BUILD_MS = 45 * 60_000;

/** SHA-256 of the official archives of this version: what is not in this list is not downloaded. */
const ARCHIVES: Readonly<Record<string, string>> = {
  linux_amd64: 'd8421bda989e6514b4bdb4d63a9012a8a05a806892e881a5aad8510496349a94',
  linux_arm64: '83600a8fac6e3da54093e5da6918d399f501532b9f1172235603f9606f4ac6e4',
  darwin_amd64: '489d7f5420cae02b559774ac23df035141954c33a51dba96f5759a0ddccdf1b6',
  darwin_arm64: 'dacdc3587682c04cf27e67c8878ca2d755230b6ad63c0c6ebddd7348ae90ed94',
};

/** What was built or downloaded once is kept for every checkout of this user. */
function cacheFolder(env: NodeJS.ProcessEnv): string {
  const override = env['COUNTERSIGN_CACHE'];
  if (override) return path.resolve(override);
  return path.join(env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'countersign');
}

/** The Temporal CLI: `TEMPORAL_CLI_PATH`, else `temporal` on the PATH, else our own, fetched or built once. */
export async function provideTemporal(watchdog: Watchdog, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const given = env['TEMPORAL_CLI_PATH'];
  if (given) {
    if (!isProgram(given)) throw new StackError(`TEMPORAL_CLI_PATH names ${given}, which is not a program.`);
    return path.resolve(given);
  }
  const cached = path.join(cacheFolder(env), `temporal-cli-${VERSION}`, 'temporal');
  return onPath('temporal', env) ?? (isProgram(cached) ? cached : await obtain(cached, watchdog));
}

function onPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter(Boolean);
  return folders.map((folder) => path.join(folder, name)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Only one process does it; the others wait and find it done. */
async function obtain(target: string, watchdog: Watchdog): Promise<string> {
  const folder = path.dirname(target);
  const say = (pid?: number) =>
    console.error(`Waiting for another process${pid ? ` (${pid})` : ''} that is setting up the Temporal server …`);
  const { release } = await lock(path.join(folder, 'lock'), say);
  try {
    if (isProgram(target)) return target;
    const unfinished = path.join(folder, `temporal.${process.pid}`);
    const refused = await download(unfinished, folder);
    if (refused !== undefined) await build(unfinished, folder, refused, watchdog);
    fs.chmodSync(unfinished, 0o755);
    fs.renameSync(unfinished, target);
    return target;
  } finally {
    release();
  }
}

/** Undefined when it worked, else why not: then there is the other way. */
async function download(target: string, folder: string): Promise<string | undefined> {
  const platform = `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const expected = ARCHIVES[platform];
  if (expected === undefined) return `no official archive is known for ${platform}`;
  const url = `https://github.com/temporalio/cli/releases/download/v${VERSION}/temporal_cli_${VERSION}_${platform}.tar.gz`;
  const archive = `${target}.tar.gz`;
  const line = progress(`Downloading the Temporal server ${VERSION} (once)`);
  try {
    const found = await fetchFile(url, archive);
    if (found !== expected) throw new Error('the archive is not the one that is pinned here');
    await run('tar', ['-xzf', archive, '-C', folder, '--', 'temporal'], { cwd: folder, timeoutMs: CONNECT_MS * 6 });
    fs.renameSync(path.join(folder, 'temporal'), target);
    line.done();
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message || String((error as { code?: string }).code) : String(error);
    line.failed(`not possible here (${reason})`);
    return reason;
  } finally {
    fs.rmSync(archive, { force: true });
  }
}

/** Writes what the address answers to a file, and tells its SHA-256. */
async function fetchFile(url: string, file: string): Promise<string> {
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: CONNECT_MS }, headersTimeout: CONNECT_MS });
  const signal = AbortSignal.timeout(DOWNLOAD_MS);
  try {
    let from = url;
    for (let hops = 0; hops < 5; hops++) {
      const { statusCode, headers, body } = await request(from, { dispatcher, signal });
      const { location } = headers;
      if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
        await body.dump();
        from = new URL(location, from).href;
        continue;
      }
      if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`);
      const hash = createHash('sha256');
      body.on('data', (chunk: Buffer) => hash.update(chunk));
      await pipeline(body, fs.createWriteStream(file));
      return hash.digest('hex');
    }
    throw new Error('too many redirects');
  } finally {
    await dispatcher.destroy();
  }
}

/** From the published Go modules, whose hashes `temporal-server/go.sum` pins. */
async function build(target: string, folder: string, refused: string, watchdog: Watchdog): Promise<void> {
  if (onPath('go', process.env) === undefined) {
    throw new StackError(
      `The Temporal server could not be downloaded (${refused}), and there is no Go to build it with. ` +
        'Install the Temporal CLI (https://docs.temporal.io/cli) or Go, or set TEMPORAL_ADDRESS to a server of your own.',
    );
  }
  const source = path.join(folder, 'build');
  const log = path.join(folder, 'build.log');
  fs.mkdirSync(source, { recursive: true });
  for (const file of ['go.mod', 'go.sum']) {
    fs.copyFileSync(path.join(__dirname, 'temporal-server', file), path.join(source, file));
  }
  const line = progress(`Building the Temporal server ${VERSION} with Go (once)`, 'about 4 minutes on 2 cores');
  const flags = `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${VERSION}`;
  const args = ['build', '-mod=readonly', '-trimpath', '-ldflags', flags, '-o', target];
  try {
    await run('go', [...args, 'github.com/temporalio/cli/cmd/temporal'], {
      cwd: source,
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
      log,
      timeoutMs: BUILD_MS,
      watchdog,
    });
  } catch (error) {
    line.failed('failed');
    throw new StackError(`The Temporal server could not be built (${(error as Error).message}); see ${log}.`);
  }
  line.done();
}

interface RunOptions {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  log?: string;
  timeoutMs: number;
  watchdog?: Watchdog;
}

/** Runs a program to its end, in a process group of its own, which ends with us. */
function run(command: string, args: string[], options: RunOptions): Promise<void> {
  const { cwd, env = process.env, log, timeoutMs, watchdog } = options;
  const output = log === undefined ? ('ignore' as const) : fs.openSync(log, 'w');
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', output, output], detached: true });
    const { pid } = child;
    const endGroup = () => {
      if (pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
    };
    if (pid !== undefined) watchdog?.guard(-pid, 'SIGKILL');
    process.once('exit', endGroup);
    const timer = setTimeout(endGroup, timeoutMs);
    const settle = (failure?: Error) => {
      clearTimeout(timer);
      process.off('exit', endGroup);
      if (pid !== undefined) watchdog?.release(-pid);
      if (typeof output === 'number') fs.closeSync(output);
      if (failure) reject(failure);
      else resolve();
    };
    child.once('error', settle);
    child.once('close', (code, signal) => {
      settle(code === 0 ? undefined : new Error(`${command} ended with ${signal ?? `code ${code}`}`));
    });
  });
}
