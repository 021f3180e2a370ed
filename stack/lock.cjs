'use strict';
// Plain JavaScript without dependencies: `bootstrap.cjs` needs it before anything is installed.
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: wait } = require('node:timers/promises');

/** Younger than this, a lock without content is being written at this moment. */
const WRITING_MS = 5_000;
const TRY_AGAIN_MS = 200;

/**
 * Tells one process from a later one with the same number: the moment it was started.
 * Undefined when no such process is alive.
 */
function identityOf(pid) {
  if (process.platform === 'linux') {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name in parentheses may itself contain spaces and parentheses.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(holder) {
  return identityOf(holder.pid) === holder.identity;
}

/** Reads who holds the lock: undefined when nobody does, because there is none or its holder is dead. */
function holderOf(file) {
  const holder = read(file);
  return holder && holder !== 'unknown' && isAlive(holder) ? holder : undefined;
}

function read(file) {
  try {
    const text = fs.readFileSync(file, 'utf8');
    if (text.endsWith('\n')) return JSON.parse(text);
    return Date.now() - fs.statSync(file).mtimeMs < WRITING_MS ? 'unknown' : { pid: 0, identity: '' };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Takes the lock, or tells who has it. A lock whose holder is dead counts as none. */
function tryLock(file) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const mine = `${JSON.stringify({ pid: process.pid, identity: identityOf(process.pid) })}\n`;
  for (;;) {
    try {
      fs.writeFileSync(file, mine, { flag: 'wx', mode: 0o600 });
      return { held: true, release: () => fs.rmSync(file, { force: true }) };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = read(file);
    if (holder === 'unknown') return { held: false, pid: undefined };
    if (holder && isAlive(holder)) return { held: false, pid: holder.pid };
    if (holder) setAside(file, holder);
  }
}

/** Removes a dead holder's lock, and puts back what somebody else made in its place in the same moment. */
function setAside(file, dead) {
  const aside = `${file}.${process.pid}`;
  try {
    fs.renameSync(file, aside);
    const moved = read(aside);
    if (moved !== 'unknown' && moved?.pid !== dead.pid) fs.linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  fs.rmSync(aside, { force: true });
}

/** Waits until the lock can be taken; `onWait` is told once who has it. */
async function lock(file, onWait) {
  for (let told = false; ; told = true) {
    const taken = tryLock(file);
    if (taken.held) return taken;
    if (!told) onWait?.(taken.pid);
    await wait(TRY_AGAIN_MS);
  }
}

module.exports = { identityOf, holderOf, tryLock, lock };
