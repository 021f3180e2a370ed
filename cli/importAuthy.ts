import type { Command } from 'commander';
import { stat } from 'node:fs/promises';
import { createTenantRows } from '../db/tenants';
import type { Tenant } from '../db/tenants';
import { createPool } from '../db/transaction';
import { createUserRows } from '../db/users';
import { isDatabaseAway } from '../db/violations';
import { lineSentence } from '../domain/userImport';
import { ConfigError } from '../platform/config';
import { createKeyring } from '../platform/keys/keyring';
import { createTenants } from '../services/tenants';
import type { Tenants } from '../services/tenants';
import { createUserImport } from '../services/userImport';
import { loadCommandConfig } from './environment';
import { explain, Failure } from './failure';
import { importFile } from './importFile';
import type { Refused } from './importFile';
import { createProgressLine } from './progressLine';
import { openRefusedFile } from './refusedFile';

/** So many refused lines are shown where all of them go into a file. */
const MOST_SHOWN = 20;
const CONNECTIONS = 2;

interface Options {
  tenant?: string;
  refused?: string;
  dryRun?: boolean;
  webhooks: boolean;
}

const HELP = `
Columns, by their names, in any order: authy_id, country_code, phone (or cellphone,
phone_number …), email, external_id, confirmed; authy_id and one of phone and
external_id are needed. A phone without country_code begins with +.

Who is there already is left as it is, so the same file may be imported again: after
it was stopped, or mended. A refused line changes nothing and keeps no other one back.

Ends with 0 when every line is in, 1 when some were refused, 2 when the file was not
read to its end; 78 when the configuration is wrong. See docs/how-to/move-from-authy.md.`;

/** Adds the command that takes over users of the Authy API. */
export function register(program: Command): void {
  program
    .command('import-authy')
    .argument('<file>', 'CSV in UTF-8; the first line names the columns')
    .option('--tenant <name>', 'whose users they become; not needed where there is one tenant')
    .option('--refused <file>', 'write refused lines there, with the reasons, to be mended and imported')
    .option('--dry-run', 'say what would happen, and change nothing')
    .option('--no-webhooks', 'do not tell webhooks of these users; the events are recorded all the same')
    .description('import users with the Authy ids that they have')
    .addHelpText('after', HELP)
    .action(async (file: string, options: Options) => {
      try {
        await run(file, options);
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        console.error(isDatabaseAway(error) ? 'The database is away.' : explain(error));
        process.exitCode = 2;
      }
    });
}

async function run(file: string, { tenant: name, refused: refusedPath, dryRun = false, webhooks }: Options) {
  const { databaseUrl, masterKeys } = loadCommandConfig();
  const keyring = createKeyring(masterKeys);
  const pool = createPool(databaseUrl, { size: CONNECTIONS });
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    const tenant = await findTenant(createTenants(pool, createTenantRows(keyring)), name);
    if (refusedPath !== undefined) await requireAnother(file, refusedPath);
    const refusedFile = refusedPath === undefined ? undefined : openRefusedFile(refusedPath);
    const line = createProgressLine();
    const startedMs = Date.now();
    let shown = 0;
    const report = (refused: Refused) => {
      refusedFile?.write(refused);
      if (refusedFile && ++shown > MOST_SHOWN) return;
      line.clear();
      console.log(`line ${refused.line}: ${refused.code}: ${lineSentence(refused.code)}`);
    };
    const done = await importFile(file, createUserImport({ pool, users: createUserRows(keyring) }), {
      ...{ tenantId: tenant.id, dryRun, tell: webhooks, signal: stopping.signal },
      onHeader: ({ header, unused }) => {
        refusedFile?.begin(header);
        if (unused.length > 0) console.error(`Columns that are not used: ${unused.join(', ')}`);
      },
      onRefused: report,
      onProgress: (counts) =>
        line.show(() => {
          const perSecond = Math.round((counts.lines * 1_000) / Math.max(Date.now() - startedMs, 1));
          return `line ${counts.lastLine}: ${sayCounts(counts, dryRun)}, ${perSecond} a second`;
        }),
    }).finally(async () => {
      line.clear();
      await refusedFile?.close();
    });
    if (refusedFile && shown > MOST_SHOWN) console.log(`… and ${shown - MOST_SHOWN} more: ${refusedPath}`);
    console.log(`${tenant.name}: ${sayCounts(done, dryRun)}, ${((Date.now() - startedMs) / 1_000).toFixed(1)} s`);
    if (done.refused > 0) process.exitCode = 1;
    if (done.isStopped) {
      throw new Failure(`Stopped after line ${done.lastLine}. What is in stays in; run it again for the rest.`);
    }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
    await pool.end();
  }
}

const sayCounts = ({ added, known, refused }: { added: number; known: number; refused: number }, dryRun: boolean) =>
  `${added} ${dryRun ? 'would be added' : 'added'}, ${known} already there, ${refused} refused`;

async function findTenant(tenants: Tenants, name: string | undefined): Promise<Tenant> {
  const all = await tenants.list();
  const [first, second] = name === undefined ? all : all.filter((tenant) => tenant.name === name);
  if (!first)
    throw new Failure(
      name === undefined ? 'There is no tenant yet.' : `There is no tenant named ${name}; see: tenant list`,
    );
  if (second) throw new Failure('There are several tenants: say which one with --tenant; see: tenant list');
  return first;
}

/** The file of refused lines is made anew: it may not be the one that is read. */
async function requireAnother(file: string, refusedPath: string): Promise<void> {
  const [read, written] = await Promise.all([file, refusedPath].map((each) => stat(each).catch(() => undefined)));
  if (read && read.dev === written?.dev && read.ino === written.ino) {
    throw new Failure('--refused is the file that is imported: give it another name.');
  }
}
