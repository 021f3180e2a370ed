import { randomUUID } from 'node:crypto';
import type { Call, HttpOptions } from './http';
import { createHttp, sleep } from './http';

export interface BackendOptions extends HttpOptions {
  /** `ck_…`. It opens everything of your tenant: keep it on the server. */
  apiKey: string;
}

/** Your own key makes a request safe to repeat after a crash of yours; ours covers lost replies only. */
export interface CreateOptions {
  idempotencyKey?: string;
}

const LONGEST_WAIT_SECONDS = 30;
const LEAST_POLL_MS = 1_000;

export type BackendCalls = ReturnType<typeof createBackendCalls>;

/** Calls of a back end, with its API key. Failures are CountersignError. */
export function createBackendCalls(options: BackendOptions) {
  const http = createHttp(options);
  const { pause = sleep } = options;

  async function call<Result>(
    method: Call['method'],
    path: string,
    extra: Partial<Pick<Call, 'query' | 'body' | 'waitSeconds' | 'signal'>> & CreateOptions = {},
  ): Promise<Result> {
    const { idempotencyKey, ...rest } = extra;
    const headers = {
      authorization: `Bearer ${options.apiKey}`,
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    };
    return (await http.send({ method, path, headers: () => Promise.resolve(headers), ...rest })) as Result;
  }

  /** Long polls until `reached`, or until the signal says stop. */
  async function waitUntil<Result>(
    poll: (waitSeconds: number) => Promise<Result>,
    reached: (result: Result) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    for (;;) {
      const asked = Date.now();
      const result = await poll(LONGEST_WAIT_SECONDS);
      if (reached(result)) return result;
      // A server that does not hold the reply back (it is being shut down) must not be asked without end.
      const early = LEAST_POLL_MS - (Date.now() - asked);
      if (early > 0) await pause(early, signal);
    }
  }

  return {
    call,
    waitUntil,

    /** One key for all attempts, so that repeating creates nothing twice. */
    create: <Result>(
      path: string,
      body: object | undefined,
      { idempotencyKey = randomUUID() }: CreateOptions = {},
    ): Promise<Result> =>
      call<Result>('POST', path, { idempotencyKey, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
  };
}
