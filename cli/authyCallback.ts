import type { Command } from 'commander';
import { refusalOfUrl } from '../channels/http/callbackUrl';
import type { AuthyCallback } from '../db/authyCallbacks';
import { CALLBACK_METHODS } from '../domain/oneTouch';
import { loadCommandConfig } from './environment';
import { Failure } from './failure';

/** As they were given; commander names them. */
export interface CallbackOptions {
  authyCallbackUrl?: string;
  authyCallbackMethod?: string;
}

/** Adds the options that say where a tenant is called back in the Authy dialect. */
export const withCallbackOptions = (command: Command): Command =>
  command
    .option('--authy-callback-url <url>', 'where answers to Authy approval requests are told; none: nowhere')
    .option('--authy-callback-method <GET|POST>', 'how: parameters in the query, or as JSON');

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
