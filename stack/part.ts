import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { StackError } from './errors';
import type { Watchdog } from './guard';

const LOOK_EVERY_MS = 25;

/** A process of the stack that runs as long as the stack does. */
export interface Part {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Settles when the process has ended, with a few words that say how. */
  readonly ended: Promise<string>;
  /** Undefined while it runs. */
  ending(): { how: string; code: number | null } | undefined;
  /** Asks it to end and, after `withinMs`, makes it. */
  stop(withinMs: number): Promise<void>;
}

export interface PartOptions {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Gets its output; with `onOutput`, what that makes of it. */
  logFile: string;
  onOutput?: (child: ChildProcess) => void;
  stopSignal: NodeJS.Signals;
  watchdog: Watchdog;
  uid?: number;
  gid?: number;
}

/** Starts a part in a process group of its own: the terminal's Ctrl-C is for the stack, which ends the parts in order. */
export function startPart(options: PartOptions): Part {
  const { name, command, args, env, cwd, logFile, onOutput, stopSignal, watchdog, uid, gid } = options;
  const log = onOutput ? undefined : openLog(logFile);
  const output = log ?? 'pipe';
  const child = spawn(command, args, {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', output, output],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  if (child.pid !== undefined) watchdog.guard(child.pid, stopSignal);
  if (log !== undefined) fs.closeSync(log);
  onOutput?.(child);

  let ending: { how: string; code: number | null } | undefined;
  const ended = new Promise<string>((resolve) => {
    const end = (how: string, code: number | null) => {
      ending = { how, code };
      if (child.pid !== undefined) watchdog.release(child.pid);
      resolve(how);
    };
    child.once('error', (error) => end(error.message, null));
    // `close` comes after the last line of its output.
    child.once('close', (code, signal) => end(signal ? `signal ${signal}` : `code ${code}`, code));
  });
  return {
    name,
    pid: child.pid ?? 0,
    logFile,
    ended,
    ending: () => ending,
    async stop(withinMs) {
      if (ending) return;
      child.kill(stopSignal);
      const force = setTimeout(() => child.kill('SIGKILL'), withinMs);
      await ended;
      clearTimeout(force);
    },
  };
}

/** Opens a log for this run; that of the run before is kept beside it as `.old`. */
export function openLog(file: string): number {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  if (fs.existsSync(file)) fs.renameSync(file, `${file}.old`);
  return fs.openSync(file, 'a', 0o600);
}

/**
 * Asks `probe` until it has an answer. Fails as soon as the process that we started has ended, because whoever
 * answers then is somebody else.
 */
export async function whenReady<T>(part: Part, withinMs: number, probe: () => Promise<T | undefined>): Promise<T> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const answer = await probe();
    const ending = part.ending();
    if (ending) throw new StackError(`${part.name} did not start (${ending.how}).${lastLines(part.logFile)}`);
    if (answer !== undefined) return answer;
    if (Date.now() > untilMs) {
      throw new StackError(`${part.name} was not ready within ${withinMs / 1_000} s.${lastLines(part.logFile)}`);
    }
    await wait(LOOK_EVERY_MS);
  }
}

/** The end of a log, to be shown with a failure. */
export function lastLines(file: string): string {
  if (!fs.existsSync(file)) return '';
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5);
  return `\nThe last lines of ${file}:\n${lines.map((line) => `  ${line.slice(0, 300)}`).join('\n')}`;
}
