'use strict';
const { clearInterval, setInterval } = require('node:timers');
// Plain JavaScript without dependencies: `bootstrap.cjs` needs it before anything is installed.

const TERMINAL_MS = 1_000;
const LOG_MS = 15_000;

/**
 * Shows that something slow is under way, and for how long: one line that counts the seconds on a terminal, a line
 * every 15 s elsewhere. It goes to stderr, because stdout may be read by a program.
 */
function progress(what, expected = '') {
  const out = process.stderr;
  const startedMs = Date.now();
  const seconds = () => Math.round((Date.now() - startedMs) / 1_000);
  const hint = expected ? ` (${expected})` : '';
  const terminal = Boolean(out.isTTY);
  const show = () => out.write(terminal ? `\r\x1b[K${what} … ${seconds()} s${hint}` : `${what} … ${seconds()} s\n`);
  if (terminal) show();
  else out.write(`${what} …${hint}\n`);
  const timer = setInterval(show, terminal ? TERMINAL_MS : LOG_MS);
  timer.unref();
  const end = (text) => {
    clearInterval(timer);
    out.write(`${terminal ? '\r\x1b[K' : ''}${text}\n`);
  };
  return {
    done: () => end(`${what}: done in ${seconds()} s`),
    failed: (reason) => end(`${what}: ${reason}`),
  };
}

module.exports = { progress };
