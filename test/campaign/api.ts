export interface Reply<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface Question {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

const ATTEMPT_MS = 12_000;
const PAUSE_MS = 150;

/** One attempt over HTTP. Fails when there is no answer, for whatever reason. */
export async function ask<Body>(apiUrl: string, { method, path, headers, body }: Question): Promise<Reply<Body>> {
  const response = await fetch(apiUrl + path, {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
    signal: AbortSignal.timeout(ATTEMPT_MS + waitOf(path)),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : {}) as Body };
}

export type Caller = <Body>(question: Question) => Promise<Reply<Body>>;

/** Attempts in the name of a tenant. */
export const asTenant =
  (apiUrl: string, apiKey: string): Caller =>
  (question) =>
    ask(apiUrl, { ...question, headers: { ...question.headers, authorization: `Bearer ${apiKey}` } });

/**
 * Repeats an attempt until it has an answer: not a broken connection, not a failure of ours, not "later, please".
 * Undefined when there was none in time.
 */
export async function untilAnswered<Body>(
  attempt: () => Promise<Reply<Body>>,
  untilMs: () => number,
): Promise<Reply<Body> | undefined> {
  do {
    const reply = await attempt().catch(() => undefined); // no answer: that is what the loop is for
    if (reply && reply.status < 500 && codeOf(reply) !== 'too_many_requests') return reply;
    await pause(PAUSE_MS);
  } while (Date.now() < untilMs());
  return undefined;
}

/** The code of a refusal; undefined for a success. */
export function codeOf({ status, body }: Reply<unknown>): string | undefined {
  if (status < 400) return undefined;
  const { code } = body as { code?: unknown };
  return typeof code === 'string' ? code : `http_${status}`;
}

/** Waits without keeping the process alive. */
export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());

function waitOf(path: string): number {
  return 1_000 * Number(/[?&]wait=(\d+)/.exec(path)?.[1] ?? 0);
}
