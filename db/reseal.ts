import type { Pool } from 'pg';
import type { Keyring } from '../platform/keys/keyring';
import { UnsealError } from '../platform/keys/keyring';
import { SEALED_COLUMNS } from './sealedColumns';
import type { SealedColumn } from './sealedColumns';
import { violated } from './violations';

/** How many values of a column hang on which master key; what says of no key is counted under `?`. */
export interface ColumnStatus {
  table: string;
  column: string;
  byKeyId: ReadonlyMap<string, number>;
}

export interface ResealedTable {
  table: string;
  rowsSeen: number;
  rowsResealed: number;
  /** What stays under its old key, and why, by the primary key of the row. */
  left: { row: string; why: 'cannot be opened' | 'is in use' | 'belongs to two rows' }[];
}

interface SealedTable {
  name: string;
  key: readonly string[];
  columns: readonly SealedColumn[];
}

type Row = Record<string, unknown>;

const PAGE = 200;
/** Enough of a sealed value for the keyring to say its key. */
const HEAD_BYTES = 64;
/** Statements at once: several commits share one write to the disk. */
const AT_ONCE = 4;
/** A row that changes between its read and its write is read again in the next pass. */
const PASSES = 5;
const STATEMENT_TIMEOUT = '57014';

const TABLES: readonly SealedTable[] = [...new Set(SEALED_COLUMNS.map(({ table }) => table))].map((name) => {
  const columns = SEALED_COLUMNS.filter(({ table }) => table === name);
  return { name, key: columns[0]!.key, columns };
});

/** Moves what is sealed to the current master key, beside a running program. */
export function createResealing(pool: Pool, keyring: Keyring) {
  const currentKeyId = keyring.keyIds[0];

  function keyIdOf(sealed: Buffer): string {
    try {
      return keyring.keyIdOf(sealed);
    } catch (error) {
      if (error instanceof UnsealError) return '?';
      throw error;
    }
  }

  /** All rows of a table, in the order of their keys; those that are added behind are sealed with the current key. */
  async function* pages({ name, key, columns }: SealedTable, part: (column: string) => string): AsyncGenerator<Row[]> {
    const order = key.join(', ');
    const selected = [...key, ...columns.map(({ column }) => part(column))].join(', ');
    const after = `where (${order}) > (${key.map((_, i) => `$${i + 1}`).join(', ')})`;
    for (let last: Row | undefined; ;) {
      const { rows } = await pool.query<Row>(
        `select ${selected} from ${name} ${last ? after : ''} order by ${order} limit ${PAGE}`,
        last && key.map((each) => last![each]),
      );
      if (rows.length > 0) yield rows;
      if (rows.length < PAGE) return;
      last = rows.at(-1);
    }
  }

  /** Seals what hangs on an old key again, unless somebody has changed it since it was read. */
  async function resealRow(
    { name, key, columns }: SealedTable,
    row: Row,
  ): Promise<'current' | 'resealed' | 'changed' | ResealedTable['left'][number]['why']> {
    const old = columns.filter(({ column }) => {
      const sealed = row[column] as Buffer | null;
      return sealed !== null && keyIdOf(sealed) !== currentKeyId;
    });
    if (old.length === 0) return 'current';
    const values: unknown[] = [];
    const is = (column: string, value: unknown) => `${column} = $${values.push(value)}`;
    try {
      const context = key.map((each) => String(row[each])).join(':');
      const changes = old.flatMap(({ column, purpose, index }) => {
        const plaintext = keyring.decrypt(purpose, row[column] as Buffer, context);
        return [
          is(column, keyring.encrypt(purpose, plaintext, context)),
          ...(index ? [is(index.column, keyring.blindIndex(index.purpose, plaintext.toString('utf8')))] : []),
        ];
      });
      const unchanged = [...key, ...old.map(({ column }) => column)].map((column) => is(column, row[column]));
      const { rowCount } = await pool.query(
        `update ${name} set ${changes.join(', ')} where ${unchanged.join(' and ')}`,
        values,
      );
      return rowCount === 1 ? 'resealed' : 'changed';
    } catch (error) {
      if (error instanceof UnsealError) return 'cannot be opened';
      // Two writers with different current keys can give two users one phone: each sees only its own index.
      if (violated(error) !== undefined) return 'belongs to two rows';
      // Somebody holds the row for longer than a statement waits.
      if ((error as { code?: string }).code === STATEMENT_TIMEOUT) return 'is in use';
      throw error;
    }
  }

  async function resealTable(table: SealedTable, told: (progress: ResealedTable) => void): Promise<ResealedTable> {
    let rowsResealed = 0;
    for (let pass = 1; ; pass++) {
      let again = false;
      const progress: ResealedTable = { table: table.name, rowsSeen: 0, rowsResealed, left: [] };
      for await (const rows of pages(table, (column) => column)) {
        for (let i = 0; i < rows.length; i += AT_ONCE) {
          const some = rows.slice(i, i + AT_ONCE);
          const results = await Promise.all(some.map((row) => resealRow(table, row)));
          results.forEach((why, n) => {
            if (why === 'resealed') rowsResealed++;
            else if (why === 'changed') again = true;
            else if (why !== 'current') {
              progress.left.push({ row: table.key.map((each) => String(some[n]![each])).join(':'), why });
              again ||= why === 'is in use';
            }
          });
        }
        progress.rowsSeen += rows.length;
        progress.rowsResealed = rowsResealed;
        told(progress);
      }
      if (!again || pass === PASSES) return progress;
    }
  }

  return {
    /**
     * Goes through every sealed column. What is under the current key already is skipped, so it may be killed at any time
     * and begun again. `told` hears after every page of rows.
     */
    async reseal(told: (progress: ResealedTable) => void): Promise<ResealedTable[]> {
      const done: ResealedTable[] = [];
      for (const table of TABLES) done.push(await resealTable(table, told));
      return done;
    },

    /** What hangs on which key now. */
    async status(): Promise<ColumnStatus[]> {
      const all: ColumnStatus[] = [];
      for (const table of TABLES) {
        const counts = table.columns.map(() => new Map<string, number>());
        for await (const rows of pages(table, headOf)) {
          for (const row of rows) {
            table.columns.forEach(({ column }, i) => {
              const sealed = row[column] as Buffer | null;
              if (sealed === null) return;
              const id = keyIdOf(sealed);
              counts[i]!.set(id, (counts[i]!.get(id) ?? 0) + 1);
            });
          }
        }
        table.columns.forEach(({ column }, i) => all.push({ table: table.name, column, byKeyId: counts[i]! }));
      }
      return all;
    },
  };
}

const headOf = (column: string) => `substring(${column} from 1 for ${HEAD_BYTES}) as ${column}`;
