import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

const LOOK_EVERY_MS = 500;
const SHELLS = new Set(['sh', 'dash', 'bash', 'zsh', 'ash']);

/**
 * Tells when the npm that runs us has ended: `kill -9` of `npm start` reaches npm alone, a SIGTERM the shell in between,
 * and nobody would be left to end the stack. Started otherwise (by a shell that may well go away), it never tells.
 */
export function whenOrphaned(tell: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const { name, parent: grandparent } = describe(parent);
  // npm runs scripts by a shell, which some shells then replace by the program itself.
  const npm = SHELLS.has(name) ? grandparent : parent;
  const timer = setInterval(() => {
    if (process.ppid === parent && isAlive(npm)) return;
    clearInterval(timer);
    tell();
  }, LOOK_EVERY_MS);
  timer.unref();
}

function describe(pid: number): { name: string; parent: number } {
  if (process.platform === 'linux') {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    return { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(stat.slice(end + 2).split(' ')[1]) };
  }
  const [parent = '', ...name] = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/);
  return { name: (name.join(' ').split('/').pop() ?? '').replace(/^-/, ''), parent: Number(parent) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
