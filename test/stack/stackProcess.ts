import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { StackFacts } from '../../stack/stack';
import { until } from '../support/until';

export const ROOT = path.join(__dirname, '..', '..');
const START_MS = 120_000;

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A command of ours in a process group of its own, as a terminal would run it. */
export interface Command {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** What it has written so far. */
  output(): string;
  /** Settles with the line that it writes, or has written; fails when it ends without. */
  line(pattern: RegExp): Promise<string>;
  signalGroup(signal: NodeJS.Signals): void;
}

export interface RunningStack extends Command {
  readonly facts: StackFacts;
  /** Every process of it but npm and the shell that runs it. */
  readonly pids: readonly number[];
}

const commands = new Set<Command>();

/** Whatever a failed test left running would hold ports, and jest's pipes: to be called after each test file or test. */
export function killCommands(): void {
  for (const command of commands) command.signalGroup('SIGKILL');
}

/** Runs a program; settings of the test run itself do not reach it. */
export function run(program: string, args: readonly string[], env: Record<string, string>): Command {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(COUNTERSIGN|TEMPORAL|npm|JEST|DATABASE)_/.test(name),
  );
  const child = spawn(program, args, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...keptCache(), ...env },
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const notice = () => waiting.forEach((look) => look());
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      notice();
    });
  }
  let ending: Ending | undefined;
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => {
      ending = { code, signal };
      commands.delete(command);
      resolve(ending);
      notice();
    });
  });
  const pid = child.pid ?? 0;
  const command: Command = {
    pid,
    ended,
    output: () => lines.join('\n'),
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find((line) => pattern.test(line));
          if (found === undefined && ending === undefined) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`ended without a line like ${pattern.source}:\n${lines.join('\n')}`));
        };
        waiting.add(look);
        look();
      }),
    signalGroup: (signal) => process.kill(-pid, signal),
  };
  commands.add(command);
  return command;
}

/** The cache of the Temporal server is the person's own: tests do not build it again. */
function keptCache(): Record<string, string> {
  const { COUNTERSIGN_CACHE, TEMPORAL_CLI_PATH } = process.env;
  return {
    ...(COUNTERSIGN_CACHE === undefined ? {} : { COUNTERSIGN_CACHE }),
    ...(TEMPORAL_CLI_PATH === undefined ? {} : { TEMPORAL_CLI_PATH }),
  };
}

/** `npm start` on this home, until it is ready. */
export async function startStack(home: string, env: Record<string, string> = {}): Promise<RunningStack> {
  const command = run('npm', ['start'], { COUNTERSIGN_HOME: home, PORT: '0', ...env });
  const late = setTimeout(() => command.signalGroup('SIGINT'), START_MS);
  await command.line(/^Countersign is ready/);
  await command.line(/^Ctrl-C ends/);
  clearTimeout(late);
  const facts = readFacts(home);
  return Object.assign(command, { facts, pids: [facts.pid, ...(await descendantsOf(facts.pid))] });
}

/** What stack.json says. */
export function readFacts(home: string): StackFacts {
  return JSON.parse(fs.readFileSync(path.join(home, 'stack.json'), 'utf8')) as StackFacts;
}

/** An empty home, passable for user `postgres` as `npm start` makes it. */
export function makeHome(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-stack-test-'));
  fs.chmodSync(folder, 0o711);
  return path.join(folder, 'home');
}

/** Settles when none of them is alive any more, with the time it took. */
export async function whenGone(pids: readonly number[], withinMs: number): Promise<number> {
  const startedMs = performance.now();
  await until(() => Promise.resolve(!pids.some(isAlive)), { withinMs, what: 'the end of every part' });
  return performance.now() - startedMs;
}

/** The process below this one whose command line has these words. */
export async function findPart(pid: number, words: string): Promise<number> {
  const found = (await processes()).find((each) => each.parent === pid && each.args.includes(words));
  if (found === undefined) throw new Error(`no part like ${words}`);
  return found.pid;
}

async function descendantsOf(pid: number): Promise<number[]> {
  const all = await processes();
  const below = (parent: number): number[] =>
    all.filter((each) => each.parent === parent).flatMap((each) => [each.pid, ...below(each.pid)]);
  return below(pid);
}

async function processes(): Promise<{ pid: number; parent: number; args: string }[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid=,args='], { maxBuffer: 16 * 1024 ** 2 });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args: args ?? '' }];
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
