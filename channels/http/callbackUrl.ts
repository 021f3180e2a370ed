import { isIP } from 'node:net';
import { DomainError } from '../../domain/errors';
import { isPublicAddress } from './publicAddress';

const MAX_URL_LENGTH = 2_048;

export interface CallbackUrlRule {
  /** Development only: plain http, private addresses and any port are then allowed. */
  allowPrivate: boolean;
  /** The field that a refusal names. */
  field?: string;
}

/**
 * Refuses, while the tenant can still read why, a URL that we would not call: DomainError('callback_url_refused') with
 * the reason `too_long`, `syntax`, `scheme`, `credentials`, `port` or `private_address`. What a name resolves to is only
 * known, and checked, when the connection is made.
 */
export function assertCallbackUrl(url: string, { allowPrivate, field = 'callbackUrl' }: CallbackUrlRule): void {
  const reason = refusalOfUrl(url, allowPrivate);
  if (reason !== undefined) throw new DomainError('callback_url_refused', { field, reason });
}

/** Why we would not call this URL, or undefined. */
export function refusalOfUrl(text: string, allowPrivate: boolean): string | undefined {
  if (text.length > MAX_URL_LENGTH) return 'too_long';
  if (!URL.canParse(text)) return 'syntax';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return 'scheme';
  if (url.username || url.password) return 'credentials';
  if (url.port === '0') return 'port';
  if (allowPrivate) return undefined;
  // Below 1024 live the well-known services; nobody receives webhooks on the port of a mail server.
  if (url.port !== '' && Number(url.port) < 1024) return 'port';
  return isPrivateHost(url.hostname) ? 'private_address' : undefined;
}

/** URL has already turned the odd spellings of IPv4 addresses (octal, hexadecimal, one number) into the usual one. */
function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return !isPublicAddress(host);
  const name = host.replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost');
}
