import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import type { History } from '@temporalio/common/lib/proto-utils';

/** Those whose name begins so are meant to fail. */
export const WRONG = 'wrong-';

export const fileOf = (name: string): string => join(__dirname, `${name}.json`);

/** The names of all stored histories. */
export const listStored = (): string[] =>
  readdirSync(__dirname)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));

export const readStored = (name: string): History =>
  historyFromJSON(JSON.parse(readFileSync(fileOf(name), 'utf8')) as unknown);
