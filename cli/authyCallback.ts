import type { Command } from 'commander';
import { refusalOfUrl } from '../channels/http/callbackUrl';
import { createSafeClient } from '../channels/http/safeClient';
import type { AuthyCallback } from '../db/authyCallbacks';
import type { Tenant } from '../db/tenants';
import { CALLBACK_METHODS } from '../domain/oneTouch';
import { testCallback } from '../services/callbackTests';
import type { Tenants } from '../services/tenants';
import { loadCommandConfig } from './environment';
import { Failure } from './failure';
import { withTenant } from './openTenants';
import { printable } from './printable';

/** As they were given; commander names them. */
export interface CallbackOptions {
  authyCallbackUrl?: string;
  authyCallbackMethod?: string;
  /** False for `--no-test`. */
  test?: boolean;
}

type SetCallback = AuthyCallback & { url: string };

/** As outcomes are sent. */
const TIMEOUT_MS = 10_000;
const MOST_SHOWN = 500;

/** Adds the command that tests the callback of a tenant. */
export function register(tenant: Command): void {
  tenant
    .command('test-callback')
    .argument('<name>', 'of the tenant')
    .description('send its Authy callback URL a denied request that there is not, and say what was signed and answered')
    .action((name: string) =>
      withTenant(name, async (known, tenants) => {
        const { url, method } = await tenants.setAuthyCallback(known.id, {});
        if (url === null) throw new Failure(`${name} has none; see: tenant set --authy-callback-url`);
        if (!(await sendTest(known, tenants, { url, method }))) throw new Failure('The callback was not accepted.');
      }),
    );
}

/** Adds the options that say where a tenant is called back in the Authy dialect. */
export const withCallbackOptions = (command: Command): Command =>
  command
    .option('--authy-callback-url <url>', 'where answers to Authy approval requests are told; none: nowhere')
    .option('--authy-callback-method <GET|POST>', 'how: parameters in the query, or as JSON')
    .option('--no-test', 'send no test to a callback URL or method that is set');

/** What the options say. @throws Failure for what this installation would not call, or no verifier accept */
export function readCallbackOptions({ authyCallbackUrl: url, authyCallbackMethod: given }: CallbackOptions) {
  const method = CALLBACK_METHODS.find((known) => known === given?.toUpperCase());
  if (given !== undefined && method === undefined) throw new Failure('--authy-callback-method is GET or POST.');
  if (url !== undefined && url !== 'none') requireUrl(url);
  return {
    ...(url !== undefined && { url: url === 'none' ? null : url }),
    ...(method !== undefined && { method }),
  } satisfies Partial<AuthyCallback>;
}

function requireUrl(url: string): void {
  const reason = refusalOfUrl(url, loadCommandConfig().simulator);
  if (reason !== undefined) throw new Failure(`--authy-callback-url would not be called: ${reason}.`);
  // The query is not signed, or is all that is signed; verifiers disagree.
  if (/[?#]/.test(url)) throw new Failure('--authy-callback-url has no query and no fragment.');
}

/** Tests what options have just set; nothing where they set none, or do not want it. What fails stays set. */
export async function testWhatWasSet(
  tenant: Tenant,
  tenants: Tenants,
  { authyCallbackUrl, authyCallbackMethod, test = true }: CallbackOptions,
  { url, method }: AuthyCallback,
): Promise<void> {
  const isSet = authyCallbackUrl !== undefined || authyCallbackMethod !== undefined;
  if (!isSet || !test || url === null) return;
  if (await sendTest(tenant, tenants, { url, method })) return;
  console.log('The callback was not accepted. It is set all the same; try again with: tenant test-callback');
}

/** Says what was sent, what was signed and what came back; true for what counts as delivered. */
async function sendTest(tenant: Tenant, tenants: Tenants, to: SetCallback): Promise<boolean> {
  const key = await tenants.readAuthyApiKey(tenant.id);
  if (key === undefined) throw new Failure(`${tenant.name} has no Authy API key; see: tenant set-authy-key`);
  const client = createSafeClient({ allowPrivate: loadCommandConfig().simulator, timeoutMs: TIMEOUT_MS });
  try {
    const { sent, reply } = await testCallback(client, tenant, { ...to, key });
    console.log(`\nTest callback: ${to.method} ${to.url}${sent.query === undefined ? '' : `?${sent.query}`}`);
    for (const [name, value] of Object.entries(sent.headers)) console.log(`${name}: ${value}`);
    if (sent.body !== undefined) console.log(`\n${sent.body}`);
    console.log(
      `\nSigned with the Authy API key (HMAC-SHA256, base64), between the marks:\n>>>${sent.signedText}<<<\n`,
    );
    if (typeof reply === 'string') console.log(`No answer: ${reply}`);
    else console.log(`Answer: ${reply.status} ${printable(reply.body.slice(0, MOST_SHOWN))}`.trimEnd());
    return typeof reply !== 'string' && reply.status >= 200 && reply.status <= 299;
  } finally {
    await client.close();
  }
}
