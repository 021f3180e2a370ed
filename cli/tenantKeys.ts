import type { Command } from 'commander';
import type { ApiKey } from '../db/apiKeys';
import { SCOPES } from '../domain/scope';
import type { Scope } from '../domain/scope';
import { Failure } from './failure';
import { withTenant } from './openTenants';
import { printTable } from './table';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Adds the commands about API keys to `tenant`. */
export function register(tenant: Command): void {
  tenant
    .command('rotate-key')
    .argument('<name>', 'of the tenant')
    .option('--overlap-hours <hours>', 'how long the keys before it still work, all of them', '24')
    .description('make a new API key with all scopes')
    .action((name: string, { overlapHours }: { overlapHours: string }) => {
      const hours = /^\d{1,5}(\.\d+)?$/.test(overlapHours) ? Number(overlapHours) : NaN;
      if (Number.isNaN(hours)) {
        throw new Failure('--overlap-hours is a number of hours, 0 to cut the old keys off now.');
      }
      return withTenant(name, async ({ id }, tenants) =>
        console.log(`API key  ${await tenants.rotateKey(id, hours * HOUR_MS)}`),
      );
    });

  tenant
    .command('create-key')
    .argument('<name>', 'of the tenant')
    .requiredOption('--scopes <list>', `what it may do: all, or some of ${SCOPES.join(',')}`)
    .option('--expires-in-days <days>', 'without it the key works until it is revoked')
    .description('make one more API key')
    .action((name: string, options: { scopes: string; expiresInDays?: string }) => {
      const scopes = readScopes(options.scopes);
      const { expiresInDays } = options;
      if (expiresInDays !== undefined && !/^[1-9]\d{0,3}$/.test(expiresInDays)) {
        throw new Failure('--expires-in-days is a number of days, 1 to 9999.');
      }
      const lifetimeMs = expiresInDays === undefined ? null : Number(expiresInDays) * DAY_MS;
      return withTenant(name, async ({ id }, tenants) =>
        console.log(`API key  ${await tenants.createKey(id, scopes, lifetimeMs)}`),
      );
    });

  tenant
    .command('list-keys')
    .argument('<name>', 'of the tenant')
    .description('the API keys of a tenant, oldest first: how each begins, what it may do, when it was last used')
    .action((name: string) =>
      withTenant(name, async ({ id }, tenants) => printTable(HEADINGS, (await tenants.listKeys(id)).map(toCells))),
    );

  tenant
    .command('revoke-key')
    .argument('<name>', 'of the tenant')
    .argument('<hint>', 'how the key begins, as in list-keys')
    .description('end one API key now')
    .action((name: string, hint: string) =>
      withTenant(name, async ({ id }, tenants) => {
        const ended = await tenants.revokeKey(id, hint);
        if (ended === 0) throw new Failure(`No valid key begins with this hint; see: tenant list-keys`);
        console.log('The key is ended.');
      }),
    );
}

const HEADINGS = ['key', 'created', 'expires', 'last used', 'scopes'];

function toCells({ hint, createdAtMs, expiresAtMs, hasExpired, lastUsedOn, scopes }: ApiKey): string[] {
  const expires = expiresAtMs === null ? 'never' : day(expiresAtMs);
  return [
    hint,
    day(createdAtMs),
    hasExpired ? `ended ${expires}` : expires,
    lastUsedOn ?? '-',
    scopes?.join(',') ?? 'all',
  ];
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Null for `all`. */
function readScopes(text: string): Scope[] | null {
  if (text === 'all') return null;
  const asked = new Set(text.split(',').map((each) => each.trim()));
  const scopes = SCOPES.filter((scope) => asked.has(scope));
  if (scopes.length < asked.size) throw new Failure(`--scopes is all, or a list of: ${SCOPES.join(',')}`);
  return scopes;
}
