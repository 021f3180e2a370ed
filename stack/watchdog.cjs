'use strict';
// Ends the parts of a stack when the stack itself was killed and could not do it. It holds the reading end of a pipe
// whose writing end only the stack has: the pipe closes when the stack is gone, however it went.
// Lines that it is told: {"guard":pid,"signal":"SIGTERM"}, {"release":pid}, {"remove":"folder"}.
const fs = require('node:fs');
const readline = require('node:readline');
const { setTimeout: wait } = require('node:timers/promises');

const PATIENCE_MS = 3_000;
const LOOK_MS = 50;

const guarded = new Map();
const folders = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line);
  if (order.guard) guarded.set(order.guard, order.signal);
  if (order.release) guarded.delete(order.release);
  if (order.remove) folders.add(order.remove);
});
process.stdin.on('error', () => {});
process.stdin.on('close', () => void endAll());

async function endAll() {
  for (const [pid, signal] of guarded) send(pid, signal);
  const untilMs = Date.now() + PATIENCE_MS;
  while ([...guarded.keys()].some(isAlive) && Date.now() < untilMs) {
    await wait(LOOK_MS);
  }
  for (const pid of guarded.keys()) send(pid, 'SIGKILL');
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  process.exit(0);
}

/** A negative number means a whole process group. */
function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already, which is what we want.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
