import { randomInt } from 'node:crypto';
import { canonical } from './canonical';
import type { Parameters } from './canonical';
import type { SafeClient, SafeReply } from '../http/safeClient';
import { signedTextOf, signText } from './sign';

export interface CallbackToSign {
  method: 'GET' | 'POST';
  /** Exactly as it was set, without a query: receivers sign what they were told. */
  url: string;
  /** The Authy API key of the tenant. */
  key: string;
  parameters: Parameters;
  nowMs: number;
}

/** What one attempt carries: a query or a body. */
export interface SignedCallback {
  headers: Readonly<Record<string, string>>;
  query?: string;
  body?: string;
  /** What the signature covers, for whoever compares. */
  signedText: string;
}

/**
 * A callback as clients of the Authy API verify it: parameters as JSON or, by GET, in the query. Sign anew for each
 * attempt. Header names are capitalised and keys of hashes sorted, because there are verifiers that depend on either.
 */
export function signCallback({ method, url, key, parameters, nowMs }: CallbackToSign): SignedCallback {
  const sorted = sortKeys(parameters) as Parameters;
  const nonce = `${Math.floor(nowMs / 1_000)}.${randomInt(100_000, 1_000_000)}`;
  const signedText = signedTextOf({ nonce, method, url, parameters: sorted });
  const headers = { 'X-Authy-Signature': signText(key, signedText), 'X-Authy-Signature-Nonce': nonce };
  if (method === 'GET') return { headers, query: canonical(sorted), signedText };
  return { headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(sorted), signedText };
}

/** One attempt. @throws SendError when there is no reply */
export const sendCallback = (
  client: Pick<SafeClient, 'post' | 'get'>,
  url: string,
  { headers, query, body = '' }: SignedCallback,
): Promise<SafeReply> =>
  query === undefined ? client.post(url, { headers, body }) : client.get(url, { headers, query });

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, sortKeys(member)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
