import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress, LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { refusalOfUrl } from './callbackUrl';
import { isPublicAddress } from './publicAddress';
import { SendError, toSendError } from './sendError';

export interface SafeClientOptions {
  /** Development only: plain http and private addresses. */
  allowPrivate: boolean;
  /** For everything together: name, connection, TLS, request, reply. */
  timeoutMs: number;
  maxResponseBytes?: number;
  /** Certificates to trust instead of the system's. */
  ca?: string;
  /** How names are resolved; the system's way unless told otherwise. */
  lookup?: Lookup;
}

export type Lookup = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface SafeRequest {
  headers: Readonly<Record<string, string>>;
  body: string | Buffer;
  signal?: AbortSignal;
}

export interface SafeReply {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** At most `maxResponseBytes` of it. */
  body: string;
  /** The reply was longer; the rest was not read. It is still a reply: the other side has taken the request. */
  truncated: boolean;
}

export interface SafeClient {
  /** Any reply resolves, redirects and 5xx too; without a reply it throws a SendError. */
  post(url: string, request: SafeRequest): Promise<SafeReply>;
  /** The same with a query in the place of the body. */
  get(url: string, request: Omit<SafeRequest, 'body'> & { query: string }): Promise<SafeReply>;
  /** Ends open requests and connections. */
  close(): Promise<void>;
}

/**
 * The only way out to addresses that tenants or devices gave us. It follows no redirects, limits time and bytes, and
 * checks the addresses that a name resolves to in the very look-up that the connection is made from, so that a name
 * cannot change its meaning between the check and the use.
 */
export function createSafeClient({
  allowPrivate,
  timeoutMs,
  maxResponseBytes = 64 * 1024,
  ca,
  lookup = systemLookup,
}: SafeClientOptions): SafeClient {
  const agent = new Agent({
    connect: {
      timeout: timeoutMs,
      lookup: allowPrivate ? plainLookup(lookup) : publicLookup(lookup),
      ...(ca !== undefined && { ca }),
    },
    connections: 16, // per origin
    pipelining: 1,
    maxHeaderSize: 16 * 1024,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });

  async function send(
    url: string,
    query: string,
    { signal, ...message }: Omit<SafeRequest, 'body'> & { method: 'GET' | 'POST'; body?: SafeRequest['body'] },
  ): Promise<SafeReply> {
    // A literal address is never looked up, so it is judged here, again: the rules may have changed since it was stored.
    if (refusalOfUrl(url, allowPrivate) !== undefined) throw new SendError('url_refused');
    const limit = new AbortController();
    const onAbort = (): void => limit.abort(new SendError('aborted'));
    const timer = setTimeout(() => limit.abort(new SendError('timeout')), timeoutMs);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    try {
      const options = { ...message, dispatcher: agent, signal: limit.signal };
      return await Promise.race([exchange(url + query, options, maxResponseBytes), rejectionOf(limit.signal)]);
    } catch (error) {
      throw toSendError(limit.signal.aborted ? limit.signal.reason : error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  return {
    post: (url, request) => send(url, '', { method: 'POST', ...request }),

    get: (url, { query, ...request }) => send(url, `?${query}`, { method: 'GET', ...request }),

    close: () => agent.destroy(),
  };
}

async function exchange(
  url: string,
  options: Parameters<typeof request>[1],
  maxResponseBytes: number,
): Promise<SafeReply> {
  const { statusCode, headers, body } = await request(url, options);
  return { status: statusCode, headers: toPlainHeaders(headers), ...(await readAtMost(body, maxResponseBytes)) };
}

/** undici looks at the signal only once it is connected (and then sends nothing); the clock runs before that too. */
function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const refuse = (): void => reject(toSendError(signal.reason));
    if (signal.aborted) refuse();
    else signal.addEventListener('abort', refuse, { once: true });
  });
}

function plainLookup(lookup: Lookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || first === undefined) callback(error ?? new SendError('name_not_found'), '', 0);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

/** One private address among public ones condemns the name: the connection would be tried with each of them. */
function publicLookup(lookup: Lookup): LookupFunction {
  return plainLookup((hostname, options, callback) => {
    lookup(hostname, options, (error, addresses) => {
      if (!error && !addresses.every(({ address }) => isPublicAddress(address))) {
        callback(new SendError('address_refused'), []);
      } else callback(error, addresses);
    });
  });
}

async function readAtMost(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<Pick<SafeReply, 'body' | 'truncated'>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) break; // leaving the loop destroys the stream, and with it the connection
  }
  return { body: Buffer.concat(chunks).subarray(0, limit).toString('utf8'), truncated: size > limit };
}

function toPlainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]));
}
