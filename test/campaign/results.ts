import fs from 'node:fs';
import type { KillRecord } from './campaign';
import type { SafeguardName } from './safeguards';
import { COUNTS } from './verdict';
import type { Counts } from './verdict';

/** Everything that a campaign found, as it is kept in its file and put under docs/evidence. */
export interface Results {
  seed: number;
  kills: number;
  points: readonly string[];
  without?: SafeguardName;
  begun: string;
  records: KillRecord[];
}

/** Reads what an interrupted campaign has kept; undefined when there is nothing. */
export function readResults(file: string): Results | undefined {
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Results) : undefined;
}

/** Written aside and renamed, so that an interruption leaves the state before or the one after. */
export function writeResults(file: string, results: Results): void {
  fs.writeFileSync(
    `${file}.unfinished`,
    `${JSON.stringify({ ...results, summary: summarise(results.records) }, null, 1)}\n`,
  );
  fs.renameSync(`${file}.unfinished`, file);
}

export interface Summary extends Counts {
  point: string;
  kills: number;
  leastInFlight: number;
  lost: number;
  doubled: number;
  unreached: number;
}

/** The sums for each point in the order of their names, and at the end those of all. */
export function summarise(records: readonly KillRecord[]): Summary[] {
  const names = [...new Set(records.map(({ point }) => point))].sort();
  const sums = names.map((name) =>
    sum(
      name,
      records.filter(({ point }) => point === name),
    ),
  );
  return [...sums, sum('all', records)];
}

function sum(point: string, records: readonly KillRecord[]): Summary {
  const total = (of: (record: KillRecord) => number) => records.reduce((all, record) => all + of(record), 0);
  const killed = records.filter(({ reached }) => reached);
  return {
    point,
    kills: killed.length,
    leastInFlight: killed.length === 0 ? 0 : Math.min(...killed.map(({ flowsInFlight }) => flowsInFlight)),
    ...(Object.fromEntries(COUNTS.map((name) => [name, total((record) => record[name])])) as Counts),
    lost: total(({ lost }) => lost),
    doubled: total(({ doubled }) => doubled),
    unreached: records.length - killed.length,
  };
}

/** The summary as a table for people. */
export function table(records: readonly KillRecord[]): string {
  const heads = ['point', 'kills', 'flows', 'lost', 'doubled', ...COUNTS, 'not reached'];
  const lines = summarise(records).map((row) =>
    [
      row.point,
      row.kills,
      row.leastInFlight,
      row.lost,
      row.doubled,
      ...COUNTS.map((name) => row[name]),
      row.unreached,
    ].map(String),
  );
  const widths = heads.map((head, column) => Math.max(head.length, ...lines.map((line) => line[column]!.length)));
  const toLine = (cells: string[]) =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ');
  return [heads, ...lines].map(toLine).join('\n');
}
