import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Watchdog } from './guard';
import { openLog, startPart, whenReady } from './part';
import type { Part } from './part';

const ROOT = path.join(__dirname, '..');
const READY_WITHIN_MS = 90_000;
/** What is shown at the terminal, and how; the log file has everything. */
const SHOWN: Readonly<Record<string, string>> = { warn: 'warn ', error: 'error', fatal: 'error' };
/** Of a log line, what a person at the terminal does not need. */
const HIDDEN = new Set(['level', 'time', 'service', 'msg', 'err', 'error']);

export interface ProgramOptions {
  env: NodeJS.ProcessEnv;
  logFile: string;
  watchdog: Watchdog;
  /** Gets the warnings and errors of the program, in a form to be read. */
  show: (line: string) => void;
}

/** Runs the product as a process of its own, configured by its environment like anywhere else. */
export function startProgram({ env, logFile, watchdog, show }: ProgramOptions): Part {
  return startPart({
    name: 'The program',
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', '--import', 'tsx', path.join(ROOT, 'main.ts')],
    env,
    cwd: ROOT,
    logFile,
    stopSignal: 'SIGTERM',
    watchdog,
    onOutput: (child) => {
      const log = fs.createWriteStream('', { fd: openLog(logFile) });
      if (child.stderr) createInterface({ input: child.stderr }).on('line', show);
      if (!child.stdout) return;
      createInterface({ input: child.stdout })
        .on('line', (line) => {
          log.write(`${line}\n`);
          const readable = readableLine(line);
          if (readable !== undefined) show(readable);
        })
        .once('close', () => log.end());
    },
  });
}

/** Settles when the program serves and has all it needs. */
export async function whenServing(program: Part, apiUrl: string): Promise<void> {
  await whenReady(program, READY_WITHIN_MS, async () =>
    (await statusOf(`${apiUrl}/readyz`)) === 200 ? true : undefined,
  );
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(undefined));
  });
}

/** A warning or an error as `warn  message  name=value …`; undefined for what need not be shown. */
export function readableLine(line: string): string | undefined {
  const entry = parse(line);
  if (entry === undefined) return line.trim() === '' ? undefined : line;
  const level = SHOWN[String(entry['level'])];
  if (level === undefined) return undefined;
  const cause = entry['err'] ?? entry['error'];
  const facts = Object.entries(entry)
    .filter(([name, value]) => !HIDDEN.has(name) && ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => `${name}=${String(value)}`);
  const message = [entry['msg'], messageOf(cause)].filter((text) => typeof text === 'string' && text !== '');
  return [level, [...new Set(message)].join(': '), ...facts].join('  ');
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function messageOf(cause: unknown): unknown {
  if (typeof cause === 'object' && cause !== null && 'message' in cause) return cause.message;
  return cause;
}
