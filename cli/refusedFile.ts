import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { lineSentence } from '../domain/userImport';
import { toCsvRow } from '../services/csv';
import { REFUSED_COLUMNS } from '../services/importedLines';
import { Failure } from './failure';
import type { Refused } from './importFile';

/**
 * A CSV file of lines that were refused, as they were, with the reasons before them. For its owner only: it holds phone
 * numbers.
 */
export function openRefusedFile(file: string) {
  const stream = createWriteStream(file, { mode: 0o600 });
  const ended = finished(stream).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`The file of --refused cannot be written: ${error.code}.`);
  });
  ended.catch(() => {}); // said by close()
  let kept: number[] = [];
  return {
    begin(header: readonly string[]): void {
      kept = header.flatMap((name, index) => (REFUSED_COLUMNS.includes(name) ? [] : [index]));
      stream.write(toCsvRow([...REFUSED_COLUMNS, ...kept.map((index) => header[index]!)]));
    },

    write({ line, code, cells }: Refused): void {
      const spare = cells.slice(Math.max(-1, ...kept) + 1);
      const own = [String(line), code, lineSentence(code)];
      stream.write(toCsvRow([...own, ...kept.map((index) => cells[index] ?? ''), ...spare]));
    },

    /** @throws Failure where something could not be written */
    async close(): Promise<void> {
      stream.end();
      await ended;
    },
  };
}
