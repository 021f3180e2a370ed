import type { Command } from 'commander';
import { AuthyKeyInUse } from '../services/tenants';
import * as authyCallback from './authyCallback';
import { readAuthyApiKey } from './authyApiKey';
import { Failure } from './failure';
import { withTenant, withTenants } from './openTenants';
import * as tenantKeys from './tenantKeys';
import * as tenantSettings from './tenantSettings';

const AUTHY_KEY_OPTION = '--authy-api-key <file>';

/**
 * Adds the commands about tenants. They need DATABASE_URL and COUNTERSIGN_MASTER_KEYS, like the program itself; without
 * them they mean the running stack.
 */
export function register(program: Command): void {
  const tenant = program.command('tenant').description('tenants and their API keys');

  tenant
    .command('create')
    .argument('<name>', 'what people see on their phones')
    .option(
      AUTHY_KEY_OPTION,
      'take over the Authy API key in this file, - for standard input; otherwise it gets a new one',
    )
    .description('make a tenant; its keys are printed this once')
    .action(async (name: string, { authyApiKey: file }: { authyApiKey?: string }) => {
      if (!/^[^\p{Cc}]{1,100}$/u.test(name)) throw new Failure('A name has 1 to 100 printable characters.');
      const takenOver = file === undefined ? undefined : await readAuthyApiKey(file);
      await withTenants(async (tenants) => {
        const created = await tenants.create(name, { authyApiKey: takenOver }).catch(sayInUse);
        if (!created) throw new Failure(`There is a tenant named ${name} already.`);
        console.log(`tenant         ${created.tenant.id}`);
        console.log(`API key        ${created.apiKey}`);
        console.log(`signing key    ${created.signingKey}`);
        console.log(`Authy API key  ${takenOver === undefined ? created.authyApiKey : '(the one that you gave)'}`);
        console.log('Keep the keys now: the API keys are not shown again.');
      });
    });

  tenant
    .command('set-authy-key')
    .argument('<name>', 'of the tenant')
    .requiredOption(AUTHY_KEY_OPTION, 'the file that holds the key, - for standard input')
    .description('take over an existing Authy API key; the one that the tenant had ends')
    .action(async (name: string, { authyApiKey: file }: { authyApiKey: string }) => {
      const key = await readAuthyApiKey(file);
      await withTenant(name, async ({ id }, tenants) => {
        await tenants.setAuthyApiKey(id, key).catch(sayInUse);
        console.log(`${name} has this Authy API key now.`);
      });
    });

  tenant
    .command('signing-key')
    .argument('<name>', 'of the tenant')
    .description('show the key with which callbacks of the tenant are signed')
    .action((name: string) =>
      withTenant(name, async ({ id }, tenants) => console.log(await tenants.readSigningKey(id))),
    );

  tenant
    .command('dashboard-keys')
    .argument('<name>', 'of the tenant')
    .description('show what clients of the Authy dashboard and webhooks API need; made where there is none yet')
    .action((name: string) =>
      withTenant(name, async ({ id }, tenants) => {
        const { appApiKey, accessKey, apiSigningKey } = await tenants.ensureDashboardKeys(id);
        console.log(`App API key      ${appApiKey}`);
        console.log(`Access key       ${accessKey}`);
        console.log(`API signing key  ${apiSigningKey}`);
      }),
    );

  tenantKeys.register(tenant);

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

  tenantSettings.register(tenant);
  authyCallback.register(tenant);
}

function sayInUse(error: unknown): never {
  if (!(error instanceof AuthyKeyInUse)) throw error;
  throw new Failure('Another tenant has this Authy API key. A key belongs to one tenant: it says whose call it is.');
}
