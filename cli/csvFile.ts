import { parse } from 'csv-parse/sync';
import { createReadStream } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { Failure } from './failure';

const SEPARATORS = [',', ';', '\t'] as const;
/** No cell of a person has more lines; where the quotes do not fit by then, one of them is a mistake. */
const MOST_LINES = 100;
const MOST_CHARACTERS = 1_000_000;

/** One row of a file: where it begins (the first line is 1), and its cells, or undefined where its quotes do not fit. */
export interface CsvRow {
  line: number;
  text: string;
  cells: string[] | undefined;
}

/**
 * The rows of a CSV file, the header first, without empty lines: read as they are asked for, so that a file may be larger
 * than memory. The header says what separates cells. A row that cannot be read costs itself and none after it.
 * @throws Failure where the file cannot be read, or is no text
 */
export async function* readCsv(file: string): AsyncGenerator<CsvRow> {
  const lines = readLines(file);
  const ahead: string[] = [];
  const lineAt = async (index: number): Promise<string | undefined> => {
    if (ahead[index] === undefined) {
      const { value, done } = await lines.next();
      if (!done) ahead.push(value);
    }
    return ahead[index];
  };

  let separator: string | undefined;
  for (let line = 1; (await lineAt(0)) !== undefined;) {
    let text = '';
    let count = 0;
    let isOpen = false;
    do {
      const next = await lineAt(count);
      if (next === undefined) break;
      text += next;
      if (next.split('"').length % 2 === 0) isOpen = !isOpen;
    } while (++count < MOST_LINES && isOpen);
    separator ??= separatorOf(text);
    const cells = isOpen ? undefined : parseRow(text, separator);
    // What does not fit may have begun in its first line; the next one is looked at by itself.
    if (!cells) [text = '', count] = [ahead[0], 1];
    ahead.splice(0, count);
    if (text.trim() !== '') yield { line, text: text.replace(/\r?\n$/, ''), cells };
    line += count;
  }
}

/** The one that the header has most of, outside of quotes. */
function separatorOf(header: string): string {
  const plain = header.replace(/"[^"]*"/g, '');
  const counts = SEPARATORS.map((each) => plain.split(each).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))]!;
}

function parseRow(text: string, delimiter: string): string[] | undefined {
  try {
    return parse(text, { delimiter, relax_column_count: true })[0] ?? [];
  } catch {
    return undefined;
  }
}

/** Lines with their ends. */
async function* readLines(file: string): AsyncGenerator<string, undefined> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isFirst = true;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      if (isFirst && /^(\xff\xfe|\xfe\xff)/.test(chunk.toString('latin1', 0, 2))) {
        throw new Failure('The file is UTF-16. Save it as CSV in UTF-8.');
      }
      rest += isFirst ? decoder.write(chunk).replace(/^\uFEFF/, '') : decoder.write(chunk);
      isFirst = false;
      const lines = rest.split(/(?<=\n)/);
      rest = lines.at(-1)?.endsWith('\n') ? '' : (lines.pop() ?? '');
      yield* lines;
      if (rest.length > MOST_CHARACTERS) throw new Failure('The file has a line of more than a million characters.');
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : new Failure(`The file cannot be read: ${code}.`);
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
  return undefined;
}
