import { randomInt } from 'node:crypto';
import { canonical } from './canonical';
import type { Parameters } from './canonical';
import { signAuthy } from './sign';

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
}

/**
 * A callback as clients of the Authy API verify it: parameters as JSON or, by GET, in the query. Sign anew for each
 * attempt. Header names are capitalised and keys of hashes sorted, because there are verifiers that depend on either.
 */
export function signCallback({ method, url, key, parameters, nowMs }: CallbackToSign): SignedCallback {
  const sorted = sortKeys(parameters) as Parameters;
  const nonce = `${Math.floor(nowMs / 1_000)}.${randomInt(100_000, 1_000_000)}`;
  const headers = {
    'X-Authy-Signature': signAuthy(key, { nonce, method, url, parameters: sorted }),
    'X-Authy-Signature-Nonce': nonce,
  };
  if (method === 'GET') return { headers, query: canonical(sorted) };
  return { headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(sorted) };
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, sortKeys(member)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
