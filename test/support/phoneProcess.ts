import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(__dirname, '../..');

export interface PhoneProcess {
  child: ChildProcessWithoutNullStreams;
  /** Everything it said, once it has ended. */
  ended: Promise<{ code: number | null; output: string }>;
  /** Resolves once the output says this so many times; fails when the process ends before. */
  says(text: string, times?: number): Promise<string>;
}

/**
 * `npm run phone` in a process of its own, as a person starts it, with its files in `home`. It compiles itself first: a
 * second, or several on a busy machine.
 */
export function startPhone(home: string, args: readonly string[] = []): PhoneProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'phone', ...args], {
    cwd: ROOT,
    env: { ...process.env, COUNTERSIGN_HOME: home },
  });
  let output = '';
  let running = true;
  const arrivals: (() => void)[] = [];
  const wake = () => {
    for (const arrived of arrivals.splice(0)) arrived();
  };
  const hear = (chunk: Buffer) => {
    output += chunk.toString();
    wake();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve)).then((code) => {
    running = false;
    wake();
    return { code, output };
  });
  return {
    child,
    ended,
    async says(text, times = 1) {
      while (output.split(text).length <= times) {
        if (!running) throw new Error(`ended without saying "${text}":\n${output}`);
        await new Promise<void>((resolve) => arrivals.push(resolve));
      }
      return output;
    },
  };
}
