import type { Command } from 'commander';
import { createApiKeyRows } from '../db/apiKeys';
import type { ApiKey } from '../db/apiKeys';
import { createResealing } from '../db/reseal';
import type { ColumnStatus } from '../db/reseal';
import { createPool } from '../db/transaction';
import { loadConfig } from '../platform/config';
import { createKeyring } from '../platform/keys/keyring';
import { printable } from './printable';
import { createProgressLine } from './progressLine';
import { printTable } from './table';

const CONNECTIONS = 4;

interface Keys {
  /** The current one first. */
  ids: readonly string[];
  resealing: ReturnType<typeof createResealing>;
  listApiKeysLeftBehind: () => Promise<ApiKey[]>;
}

/** Adds the commands about master keys. They need DATABASE_URL and COUNTERSIGN_MASTER_KEYS, like the program itself. */
export function register(program: Command): void {
  const keys = program.command('keys').description('the master keys, and what hangs on each');

  keys
    .command('rotate')
    .description('seal everything with the first master key, beside the running program; may be stopped and repeated')
    .action(() =>
      withKeys(async (opened) => {
        const line = createProgressLine();
        const tables = await opened.resealing.reseal(({ table, rowsSeen, rowsResealed }) =>
          line.show(() => `${table}: ${rowsSeen} rows seen, ${rowsResealed} re-encrypted`),
        );
        line.clear();
        printTable(
          ['table', 'rows', 're-encrypted', 'left'],
          tables.map(({ table, rowsSeen, rowsResealed, left }) =>
            [table, rowsSeen, rowsResealed, left.length].map(String),
          ),
        );
        for (const { table, left } of tables) {
          for (const { row, why } of left) console.log(`${table} ${printable(row)}: ${why}`);
        }
        console.log();
        await printStatus(opened);
        if (tables.some(({ left }) => left.length > 0)) process.exitCode = 1;
      }),
    );

  keys
    .command('status')
    .description('what hangs on which master key; changes nothing')
    .action(() => withKeys(printStatus));
}

async function printStatus({ ids, resealing, listApiKeysLeftBehind }: Keys): Promise<void> {
  const [columns, apiKeys] = [await resealing.status(), await listApiKeysLeftBehind()];
  const found = new Set(columns.flatMap(({ byKeyId }) => [...byKeyId.keys()]));
  const shown = [...new Set([...ids, ...[...found].sort()])];
  printTable(
    ['sealed', ...shown],
    columns.map(({ table, column, byKeyId }) => [
      `${table}.${column}`,
      ...shown.map((id) => String(byKeyId.get(id) ?? 0)),
    ]),
  );
  for (const id of shown.filter((each) => !ids.includes(each))) {
    console.log(
      id === '?'
        ? 'What is counted under ? does not look sealed at all.'
        : `${printable(id)} is not in COUNTERSIGN_MASTER_KEYS: what it sealed cannot be read.`,
    );
  }
  console.log();
  for (const line of verdict(ids, columns, apiKeys)) console.log(line);
}

/** What keeps old keys from being taken out. */
function verdict([current, ...older]: readonly string[], columns: readonly ColumnStatus[], apiKeys: readonly ApiKey[]) {
  const lines: string[] = [];
  if (apiKeys.length > 0) {
    lines.push(
      `API keys that move to ${current} only when they are used (${apiKeys.length}):`,
      ...apiKeys.map(
        ({ hint, tenantName, macKeyId, lastUsedOn }) =>
          `  ${hint}  of ${printable(tenantName)}, under ${macKeyId ?? 'any key'}, ${lastUsedOn ? `last used on ${lastUsedOn}` : 'no use known'}`,
      ),
      '',
    );
  }
  for (const id of older) {
    const sealed = columns.reduce((sum, { byKeyId }) => sum + (byKeyId.get(id) ?? 0), 0);
    const held = apiKeys.filter(({ macKeyId }) => macKeyId === id || macKeyId === null).length;
    lines.push(
      sealed + held > 0
        ? `${id} is needed: ${sealed} sealed values and ${held} API keys hang on it.${sealed > 0 ? ' The values are moved by: keys rotate' : ''}`
        : `${id}: no row hangs on it. Take it out 24 hours after ${current} came first in every process, when no workflow from before that runs any more: docs/how-to/run-in-production.md`,
    );
  }
  if (older.length === 0) lines.push(`${current} is the only master key.`);
  return lines;
}

async function withKeys(work: (keys: Keys) => Promise<void>): Promise<void> {
  const { databaseUrl, masterKeys } = loadConfig(process.env);
  const keyring = createKeyring(masterKeys);
  const pool = createPool(databaseUrl, { size: CONNECTIONS });
  const apiKeys = createApiKeyRows(keyring);
  try {
    await work({
      ids: keyring.keyIds,
      resealing: createResealing(pool, keyring),
      listApiKeysLeftBehind: () => apiKeys.listApiKeysLeftBehind(pool),
    });
  } finally {
    await pool.end();
  }
}
