import { createHmac, randomUUID } from 'node:crypto';
import { send } from '../support/http';
import type { RawReply } from '../support/http';
import type { TestProgram } from '../support/program';

export interface DashboardKeys {
  appApiKey: string;
  accessKey: string;
  apiSigningKey: string;
}

/** A signed call; `signature` in the place of the right one, `files` as a multipart form. */
export type Dashboard = (
  method: string,
  path: string,
  parameters?: Record<string, unknown>,
  other?: { signature?: string; files?: Record<string, Uint8Array> },
) => Promise<RawReply>;

/**
 * A client of the dashboard API, written after the official sample: escapes and sorts by itself, and sends forms. It signs
 * `signedUrl`, the address by which the program is known, where it calls something that stands before it.
 */
export function createDashboard(
  program: Pick<TestProgram, 'url'>,
  keys: DashboardKeys,
  signedUrl: string = program.url,
): Dashboard {
  return async (method, path, parameters = {}, { signature, files } = {}) => {
    const own = { app_api_key: keys.appApiKey, access_key: keys.accessKey };
    const pairs = Object.entries({ ...own, ...parameters }).flatMap(([name, value]) => pairsOf(name, value));
    const form = pairs.map(([name, value]) => `${escape(name)}=${escape(value)}`);
    const nonce = randomUUID();
    const text = [nonce, method, `${signedUrl}${path}`, form.toSorted().join('&')].join('|');
    const signed = {
      'x-authy-signature-nonce': nonce,
      'x-authy-signature': signature ?? createHmac('sha256', keys.apiSigningKey).update(text).digest('base64'),
    };
    if (!files) {
      const headers = { ...signed, 'content-type': 'application/x-www-form-urlencoded' };
      return send(program, { method, path, headers, body: form.join('&') });
    }
    const multipart = new FormData();
    for (const [name, value] of pairs) multipart.append(name, value);
    for (const [name, bytes] of Object.entries(files)) multipart.append(name, new Blob([Buffer.from(bytes)]), 'a.png');
    const encoded = new Response(multipart);
    const headers = { ...signed, 'content-type': encoded.headers.get('content-type')! };
    return send(program, { method, path, headers, body: Buffer.from(await encoded.arrayBuffer()) });
  };
}

function pairsOf(name: string, value: unknown): [string, string][] {
  if (Array.isArray(value)) return value.map((one) => [`${name}[]`, String(one)]);
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).map(([key, one]) => [`${name}[${key}]`, String(one)]);
  }
  return [[name, String(value)]];
}

const escape = (text: string) =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');
