import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { holderOf, identityOf, lock, tryLock } from '../../stack/lock.cjs';
import { killCommands, run } from './stackProcess';

let folder: string;
let file: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-lock-'));
  file = path.join(folder, 'lock');
});
afterEach(() => {
  killCommands();
  fs.rmSync(folder, { recursive: true });
});

const write = (holder: { pid: number; identity: string | undefined }) =>
  fs.writeFileSync(file, `${JSON.stringify(holder)}\n`);

test('a lock is held until it is given back', async () => {
  const first = tryLock(file);
  expect(first.held).toBe(true);
  expect(tryLock(file)).toEqual({ held: false, pid: process.pid });
  expect(holderOf(file)?.pid).toBe(process.pid);

  const told: unknown[] = [];
  const second = lock(file, (pid) => told.push(pid));
  expect(told).toEqual([process.pid]);
  if (first.held) first.release();
  (await second).release();
  expect(holderOf(file)).toBeUndefined();
});

test('the lock of a dead process counts as none, also when its number is used again', () => {
  write({ pid: process.pid, identity: 'started at another time' });
  expect(holderOf(file)).toBeUndefined();
  expect(tryLock(file).held).toBe(true);
});

test('a lock that is being written at this moment is respected', () => {
  fs.writeFileSync(file, '');
  expect(tryLock(file)).toEqual({ held: false, pid: undefined });
});

test('a process is known by the moment it was started', async () => {
  expect(identityOf(process.pid)).toBe(identityOf(process.pid));
  const child = run(process.execPath, ['-e', ''], {});
  await child.ended;
  expect(identityOf(child.pid)).toBeUndefined();
});

test('of many processes that find a dead one’s lock, one at a time gets it', async () => {
  write({ pid: 1, identity: 'dead' });
  const script = `
    const fs = require('node:fs');
    const { lock } = require(${JSON.stringify(path.resolve('stack/lock.cjs'))});
    const inside = ${JSON.stringify(path.join(folder, 'inside'))};
    lock(${JSON.stringify(file)}).then(({ release }) => {
      fs.mkdirSync(inside);
      fs.rmdirSync(inside);
      release();
    });`;
  const racers = Array.from({ length: 8 }, () => run(process.execPath, ['-e', script], {}));
  const endings = await Promise.all(racers.map((racer) => racer.ended));
  expect(endings.map(({ code }) => code)).toEqual(Array(8).fill(0));
});
