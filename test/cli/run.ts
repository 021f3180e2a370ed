import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(__dirname, '../..');

export interface CommandProcess {
  child: ChildProcessWithoutNullStreams;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** A command line in a process of its own, as an operator starts it; `input` is its whole standard input. */
export function startCommand(env: Record<string, string>, args: readonly string[], input = ''): CommandProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  child.stdin.on('error', () => {}); // it may have ended without reading
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, ended: ended.then((code) => ({ code, stdout, stderr })) };
}

/** Runs one to its end. */
export const runCommand = (env: Record<string, string>, args: readonly string[], input?: string) =>
  startCommand(env, args, input).ended;
