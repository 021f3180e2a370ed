import { spawn } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(__dirname, '..');
const BIN = path.join(ROOT, 'node_modules', '.bin');

/** Every check, whatever the ones before it said, with a line that says what it has shown. */
const CHECKS: readonly { what: string; command: string; args: readonly string[] }[] = [
  { what: 'format: as prettier writes it', command: 'prettier', args: ['--check', '--log-level=warn', '.'] },
  { what: 'lint: no lost await, no forbidden global', command: 'eslint', args: ['.', '--max-warnings=0'] },
  { what: 'types: strict, everywhere', command: 'tsc', args: ['--noEmit', '-p', '.'] },
  { what: 'layers: imports point one way', command: 'depcruise', args: ['.', '--output-type=err-long'] },
  { what: 'unused: no file, export or dependency', command: 'knip', args: ['--no-progress'] },
];

async function main(): Promise<number> {
  let failures = 0;
  for (const { what, command, args } of CHECKS) {
    const startedMs = Date.now();
    const { code, output } = await run(path.join(BIN, command), args);
    const seconds = ((Date.now() - startedMs) / 1_000).toFixed(1);
    if (code === 0) {
      console.log(`ok      ${what} (${seconds} s)`);
    } else {
      failures++;
      console.log(`FAILED  ${what} (${command} ended with ${code})\n${output.trimEnd()}\n`);
    }
  }
  return failures === 0 ? 0 : 1;
}

function run(command: string, args: readonly string[]): Promise<{ code: number | string; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? signal ?? 'nothing', output }));
  });
}

void main().then((code) => (process.exitCode = code));
