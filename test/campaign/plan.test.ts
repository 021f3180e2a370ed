import { expect, test } from '@jest/globals';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { KillRecord } from './campaign';
import { seeded } from './load';
import { planKills, POINTS } from './points';
import { readResults, summarise, table, writeResults } from './results';

const names = (seed: number, count = 60) =>
  planKills(POINTS, count, seeded(seed)).map(({ point, part }) => `${part} ${point.name}`);

test('there are at least fifteen points, each with a name of its own', () => {
  const all = new Set(POINTS.map(({ name }) => name));
  expect(all.size).toBe(POINTS.length);
  expect(all.size).toBeGreaterThanOrEqual(15);
});

test('the same seed plans the same kills, another one plans others', () => {
  expect(names(7)).toEqual(names(7));
  expect(names(7)).not.toEqual(names(8));
});

test('every point and part comes before one comes again', () => {
  const combinations = POINTS.flatMap(({ parts }) => parts).length;
  expect(new Set(names(1, combinations)).size).toBe(combinations);
  expect(names(1, combinations + 5)).toHaveLength(combinations + 5);
});

const record = (changes: Partial<KillRecord>): KillRecord => ({
  point: 'a point',
  part: 'program',
  reached: true,
  flowsInFlight: 12,
  approvals: 10,
  repeats: 0,
  webhooks: 100,
  webhookRepeats: 1,
  onboardings: 4,
  lost: 0,
  doubled: 0,
  faults: [],
  awayMs: 0,
  tookMs: 0,
  ...changes,
});

test('what is lost, doubled and not reached is summed up by point and in all', () => {
  const summary = summarise([
    record({ lost: 1, repeats: 2 }),
    record({ flowsInFlight: 9, doubled: 3 }),
    record({ point: 'b point', reached: false, flowsInFlight: 0 }),
  ]);
  expect(summary).toEqual([
    {
      point: 'a point',
      kills: 2,
      leastInFlight: 9,
      approvals: 20,
      repeats: 2,
      webhooks: 200,
      webhookRepeats: 2,
      onboardings: 8,
      lost: 1,
      doubled: 3,
      unreached: 0,
    },
    {
      point: 'b point',
      kills: 0,
      leastInFlight: 0,
      approvals: 10,
      repeats: 0,
      webhooks: 100,
      webhookRepeats: 1,
      onboardings: 4,
      lost: 0,
      doubled: 0,
      unreached: 1,
    },
    {
      point: 'all',
      kills: 2,
      leastInFlight: 9,
      approvals: 30,
      repeats: 2,
      webhooks: 300,
      webhookRepeats: 3,
      onboardings: 12,
      lost: 1,
      doubled: 3,
      unreached: 1,
    },
  ]);
  expect(table([record({})]).split('\n')).toHaveLength(3);
});

test('results are read as they were written; where there are none, there are none', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'campaign-results-'));
  try {
    const file = path.join(folder, 'results.json');
    expect(readResults(file)).toBeUndefined();
    const results = { seed: 1, kills: 2, points: ['a point'], begun: 'now', records: [record({})] };
    writeResults(file, results);
    expect(readResults(file)).toMatchObject(results);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
