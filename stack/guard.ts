import { spawn } from 'node:child_process';
import path from 'node:path';

/** Ends our processes when we are killed and cannot do it ourselves (`watchdog.cjs`). */
export interface Watchdog {
  /** From now on this process ends with us; a negative number means a process group. */
  guard(pid: number, signal: NodeJS.Signals): void;
  /** This process has ended: its number may soon be somebody else's. */
  release(pid: number): void;
  /** The folder is removed at the end, after all guarded processes are gone. */
  removeAtEnd(folder: string): void;
  /** Settles when the watchdog itself has ended. */
  readonly ended: Promise<void>;
  /** Lets it do its work and waits for it. */
  close(): Promise<void>;
}

/** Starts the watchdog, in a process group of its own so that no Ctrl-C reaches it. */
export function startWatchdog(): Watchdog {
  const child = spawn(process.execPath, [path.join(__dirname, 'watchdog.cjs')], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  // A watchdog that died is noticed by `ended`; a write that comes too late must not end us with EPIPE before that.
  child.stdin.on('error', () => undefined);
  child.unref();
  const tell = (order: object) => void child.stdin.write(`${JSON.stringify(order)}\n`);
  return {
    guard: (pid, signal) => tell({ guard: pid, signal }),
    release: (pid) => tell({ release: pid }),
    removeAtEnd: (folder) => tell({ remove: folder }),
    ended,
    close: () => {
      child.ref();
      child.stdin.end();
      return ended;
    },
  };
}
