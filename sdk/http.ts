import type { Problem } from '../contracts/system';

/**
 * Every failure of a call. `code` is that of the API (a closed list, see the OpenAPI page), or one of ours:
 * `unreachable` (no reply, status 0), `unexpected_reply` (not a reply of Countersign, perhaps of a proxy),
 * `not_an_install_link` and `not_an_account_token` (status 0).
 */
export class CountersignError extends Error {
  readonly status: number;
  readonly code: string;
  /** The field of the request at fault. */
  readonly field: string | undefined;
  readonly reason: string | undefined;
  /** The id under which the server logged the request. */
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** Of a wrong code: how many more guesses are judged. */
  readonly attemptsLeft: number | undefined;
  /** An earlier attempt of the same call got no clear reply and may have had its effect. */
  repeated = false;

  constructor(
    problem: Pick<Problem, 'status' | 'code' | 'title'> & Partial<Problem>,
    options: { retryAfterSeconds?: number | undefined; cause?: unknown } = {},
  ) {
    super(
      [problem.title, problem.field && `(${problem.field})`, problem.reason].filter(Boolean).join(' '),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'CountersignError';
    this.status = problem.status;
    this.code = problem.code;
    this.field = problem.field;
    this.reason = problem.reason;
    this.requestId = problem.requestId;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.attemptsLeft = problem.attemptsLeft;
  }
}

export interface HttpOptions {
  /** Where the API is, as the phone or back end reaches it: `https://approve.example.com`. */
  baseUrl: string;
  /** Default: the global fetch. */
  fetch?: typeof fetch;
  /** How often a call without reply, or with a 5xx, is repeated. Default 3. */
  retries?: number;
  /** Waits between repetitions; tests hand in their own. */
  pause?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string | number | undefined>>;
  body?: string;
  /** Asked anew for every attempt: a proof is used once. */
  headers: () => Promise<Record<string, string>>;
  onReply?: (headers: Headers) => void;
  /** How long the server may hold the reply back. */
  waitSeconds?: number;
  signal?: AbortSignal | undefined;
}

const REPLY_WITHIN_MS = 15_000;
const LONGEST_PAUSE_MS = 30_000;

/** Calls of the API that are all safe to repeat, and are repeated when no reply came or the server stumbled. */
export function createHttp(options: HttpOptions) {
  const { fetch: send = fetch, retries = 3, pause = sleep } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, '');

  async function attempt(call: Call): Promise<unknown> {
    const headers = await call.headers();
    const limit = new AbortController();
    const stop = () => limit.abort();
    const timer = setTimeout(stop, REPLY_WITHIN_MS + 1_000 * (call.waitSeconds ?? 0));
    call.signal?.addEventListener('abort', stop);
    try {
      requireWanted(call.signal);
      const response = await send(baseUrl + call.path + queryText(call.query), {
        method: call.method,
        headers: call.body === undefined ? headers : { 'content-type': 'application/json', ...headers },
        ...(call.body === undefined ? {} : { body: call.body }),
        signal: limit.signal,
      });
      call.onReply?.(response.headers);
      return readReply(response, await response.text());
    } catch (cause) {
      requireWanted(call.signal);
      if (cause instanceof CountersignError) throw cause;
      const reason = limit.signal.aborted ? 'It took too long.' : message(cause);
      throw new CountersignError(
        { status: 0, code: 'unreachable', title: `No reply from ${baseUrl}.`, reason },
        { cause },
      );
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', stop);
    }
  }

  return {
    baseUrl,

    /** The JSON of the reply; undefined where it has no body. */
    async send(call: Call): Promise<unknown> {
      for (let failures = 0; ; failures += 1) {
        try {
          return await attempt(call);
        } catch (error) {
          if (!(error instanceof CountersignError)) throw error;
          error.repeated = failures > 0;
          const passing = error.status === 0 || error.status >= 500;
          if (!passing || failures >= retries) throw error;
          await pause(pauseMs(failures, error.retryAfterSeconds), call.signal);
        }
      }
    },
  };
}

function readReply(response: Response, text: string): unknown {
  const body = parse(text);
  if (response.ok && (text === '' || body !== undefined)) return body;
  const retryAfterSeconds = Number(response.headers.get('retry-after') ?? undefined) || undefined;
  throw isProblem(body)
    ? new CountersignError(body, { retryAfterSeconds })
    : new CountersignError(
        {
          status: response.status,
          code: 'unexpected_reply',
          title: `Not a reply of Countersign (${response.status}).`,
        },
        { retryAfterSeconds },
      );
}

function isProblem(body: unknown): body is Problem {
  const problem = body as Partial<Problem> | null | undefined;
  return typeof problem?.status === 'number' && typeof problem.code === 'string' && typeof problem.title === 'string';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function queryText(query: Call['query'] = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
  return text === '' ? '' : `?${text}`;
}

/** Twice as long each time, and by chance a little more: many clients must not come back at the same moment. */
function pauseMs(failures: number, retryAfterSeconds: number | undefined): number {
  const ms = retryAfterSeconds === undefined ? 250 * 2 ** failures : retryAfterSeconds * 1_000;
  return Math.min(ms * (1 + Math.random() / 4), LONGEST_PAUSE_MS);
}

/** Waits, or ends early with the signal's reason. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, signal?.aborted ? 0 : ms);
    signal?.addEventListener('abort', end);
  });
  requireWanted(signal);
}

/** `throwIfAborted`, which React Native does not have. */
function requireWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw (signal.reason as Error | undefined) ?? new Error('aborted');
}

function message(cause: unknown): string {
  const root = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return root instanceof Error ? root.message : String(root);
}

/** Gives a secret for a registration token: nobody has to prove who calls. */
export async function exchangeForToken(
  options: HttpOptions,
  path: string,
  secret: object,
): Promise<{ registrationToken: string; expiresAt: string }> {
  const call = { method: 'POST', path, body: JSON.stringify(secret), headers: () => Promise.resolve({}) } as const;
  return (await createHttp(options).send(call)) as { registrationToken: string; expiresAt: string };
}
