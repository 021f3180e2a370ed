import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig } from '../platform/config';
import type { Config } from '../platform/config';
import { countersignHome } from './home';

/**
 * The configuration of commands that work on the database: DATABASE_URL and COUNTERSIGN_MASTER_KEYS, or where neither is
 * set, those of the stack that runs in this checkout.
 */
export function loadCommandConfig(env: NodeJS.ProcessEnv = process.env): Config {
  if (env['DATABASE_URL'] || env['COUNTERSIGN_MASTER_KEYS']) return loadConfig(env);
  return loadConfig(ofRunningStack(countersignHome(env)) ?? env);
}

function ofRunningStack(home: string): Record<string, string> | undefined {
  try {
    const { databaseUrl } = JSON.parse(readFileSync(path.join(home, 'stack.json'), 'utf8')) as { databaseUrl: string };
    const masterKeys = readFileSync(path.join(home, 'master-keys'), 'utf8');
    return { DATABASE_URL: databaseUrl, COUNTERSIGN_MASTER_KEYS: masterKeys, COUNTERSIGN_SIMULATOR: '1' };
  } catch {
    return undefined; // none runs: the variables are asked for
  }
}
