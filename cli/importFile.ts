import { setTimeout as delay } from 'node:timers/promises';
import type { ImportedUser } from '../db/users';
import { isDatabaseAway } from '../db/violations';
import { DomainError } from '../domain/errors';
import { createJudge } from '../domain/userImport';
import type { ImportOutcome, LineRefusal } from '../domain/userImport';
import { findColumns, readLine, UnusableHeader } from '../services/importedLines';
import type { UserImport } from '../services/userImport';
import { readCsv } from './csvFile';
import type { CsvRow } from './csvFile';
import { Failure } from './failure';

/** Lines of one transaction: more would hold the tenant's counter of events for longer. */
const BATCH = 1_000;
const PAUSES_MS = [200, 1_000, 3_000, 10_000];

/** A line that is not in, and why. */
export interface Refused {
  line: number;
  code: LineRefusal;
  /** As they were; where the line could not be read, its text as the only one. */
  cells: readonly string[];
}

interface Counts {
  lines: number;
  added: number;
  known: number;
  refused: number;
  /** Where the last line that was done begins. */
  lastLine: number;
}

export interface ImportOptions {
  tenantId: string;
  dryRun: boolean;
  /** Whether webhooks hear of the users. */
  tell: boolean;
  /** Ends the import after the batch under way. */
  signal: AbortSignal;
  onHeader: (header: { header: readonly string[]; unused: readonly string[] }) => void;
  onRefused: (refused: Refused) => void;
  onProgress: (counts: Counts) => void;
}

/**
 * Imports the users of a CSV file, batch by batch.
 * @throws Failure where the file is not usable, or the database stays away
 */
export async function importFile(
  file: string,
  users: UserImport,
  { tenantId, dryRun, tell, signal, onHeader, onRefused, onProgress }: ImportOptions,
): Promise<Counts & { isStopped: boolean }> {
  const counts: Counts = { lines: 0, added: 0, known: 0, refused: 0, lastLine: 1 };
  const rows = readCsv(file);
  const { columns, width } = await readHeader(rows, onHeader);
  const rehearsal = createJudge();

  async function importBatch(batch: readonly CsvRow[]): Promise<void> {
    const read = batch.map((row) => readRow(row, width, (cells) => readLine(columns, cells)));
    const people = read.filter((each) => typeof each === 'object');
    const outcomes: ImportOutcome[] =
      people.length === 0
        ? []
        : await patiently(counts, () =>
            dryRun ? users.rehearse(tenantId, people, rehearsal) : users.add(tenantId, people, { tell }),
          );
    batch.forEach(({ line, text, cells = [text] }, index) => {
      const each = read[index]!;
      const outcome = typeof each === 'string' ? each : outcomes.shift()!;
      if (outcome === 'added' || outcome === 'known') counts[outcome]++;
      else {
        counts.refused++;
        onRefused({ line, code: outcome, cells });
      }
      counts.lastLine = line;
    });
    counts.lines += batch.length;
    onProgress(counts);
  }

  let batch: CsvRow[] = [];
  for await (const row of rows) {
    if (signal.aborted) return { ...counts, isStopped: true };
    batch.push(row);
    if (batch.length < BATCH) continue;
    await importBatch(batch);
    batch = [];
  }
  if (batch.length > 0) await importBatch(batch);
  return { ...counts, isStopped: false };
}

async function readHeader(rows: AsyncGenerator<CsvRow>, onHeader: ImportOptions['onHeader']) {
  const next = await rows.next();
  if (next.done) throw new Failure('The file is empty.');
  const first = next.value;
  if (!first.cells) throw new Failure('The file is not usable: the quotes of its first line do not fit together.');
  const header = first.cells.map((name) => name.trim());
  try {
    const { columns, unused } = findColumns(header);
    onHeader({ header, unused });
    return { columns, width: header.length };
  } catch (error) {
    if (!(error instanceof UnusableHeader)) throw error;
    throw new Failure(`The file is not usable: ${error.message}. Its first line names the columns.`);
  }
}

/** Spreadsheets leave empty cells behind the last column; other lines with too many cells, or too few, are refused. */
function readRow(
  { cells }: CsvRow,
  width: number,
  read: (cells: readonly string[]) => ImportedUser | LineRefusal,
): ImportedUser | LineRefusal {
  if (!cells) return 'line_unreadable';
  if (cells.length < width || cells.slice(width).some((cell) => cell !== '')) return 'columns_differ';
  return read(cells);
}

/** Repeats a batch while the database is away or busy: who is in by then is already there. */
async function patiently<T>({ lastLine }: Counts, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isPassing = error instanceof DomainError || isDatabaseAway(error);
      if (!isPassing) throw error;
      const pauseMs = PAUSES_MS[attempt];
      if (pauseMs === undefined) {
        throw new Failure(`The database is away. Done up to line ${lastLine}; run it again for the rest.`);
      }
      await delay(pauseMs);
    }
  }
}
