import type { Command } from 'commander';
import { createTenantRows } from '../db/tenants';
import { createPool } from '../db/transaction';
import { loadConfig } from '../platform/config';
import { createKeyring } from '../platform/keys/keyring';
import { createTenants } from '../services/tenants';
import type { Tenants } from '../services/tenants';
import { Failure } from './failure';
import { registerSettings } from './tenantSettings';

const HOUR_MS = 3_600_000;

/** Adds the commands about tenants. They need DATABASE_URL and COUNTERSIGN_MASTER_KEYS, like the program itself. */
export function register(program: Command): void {
  const tenant = program.command('tenant').description('tenants and their API keys');

  tenant
    .command('create')
    .argument('<name>', 'what people see on their phones')
    .description('make a tenant; its keys are printed this once')
    .action((name: string) =>
      withTenants(async (tenants) => {
        if (!/^[^\p{Cc}]{1,100}$/u.test(name)) throw new Failure('A name has 1 to 100 printable characters.');
        const created = await tenants.create(name);
        if (!created) throw new Failure(`There is a tenant named ${name} already.`);
        console.log(`tenant       ${created.tenant.id}`);
        console.log(`API key      ${created.apiKey}`);
        console.log(`signing key  ${created.signingKey}`);
        console.log('Keep the API key now: it is not shown again.');
      }),
    );

  tenant
    .command('rotate-key')
    .argument('<name>', 'of the tenant')
    .option('--overlap-hours <hours>', 'how long the keys before it still work', '24')
    .description('make a new API key')
    .action((name: string, { overlapHours }: { overlapHours: string }) =>
      withTenants(async (tenants) => {
        const hours = /^\d{1,5}(\.\d+)?$/.test(overlapHours) ? Number(overlapHours) : NaN;
        if (Number.isNaN(hours))
          throw new Failure('--overlap-hours is a number of hours, 0 to cut the old keys off now.');
        const known = await tenants.findByName(name);
        if (!known) throw new Failure(`There is no tenant named ${name}; see: tenant list`);
        console.log(`API key  ${await tenants.rotateKey(known.id, hours * HOUR_MS)}`);
      }),
    );

  tenant
    .command('signing-key')
    .argument('<name>', 'of the tenant')
    .description('show the key with which callbacks of the tenant are signed')
    .action((name: string) =>
      withTenants(async (tenants) => {
        const known = await tenants.findByName(name);
        if (!known) throw new Failure(`There is no tenant named ${name}; see: tenant list`);
        console.log(await tenants.readSigningKey(known.id));
      }),
    );

  tenant
    .command('list')
    .description('all tenants, oldest first')
    .action(() =>
      withTenants(async (tenants) => {
        for (const { id, name, createdAtMs } of await tenants.list()) {
          console.log(`${id}  ${new Date(createdAtMs).toISOString()}  ${name}`);
        }
      }),
    );

  registerSettings(tenant, withTenants);
}

async function withTenants(work: (tenants: Tenants) => Promise<void>): Promise<void> {
  const { databaseUrl, masterKeys } = loadConfig(process.env);
  const pool = createPool(databaseUrl, { size: 1 });
  try {
    await work(createTenants(pool, createTenantRows(createKeyring(masterKeys))));
  } finally {
    await pool.end();
  }
}
