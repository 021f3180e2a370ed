/** Pauses after the first, second … failure of a delivery, in ms: about three days together, then it is dead. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const RETRY_PAUSES_MS = [
  5_000,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const;

/** An endpoint that has taken nothing for this long is disabled. */
export const DISABLED_AFTER_MS = 5 * 24 * HOUR;

/** An endpoint may ask for more patience, but not for more than this. */
const LONGEST_RETRY_AFTER_MS = 24 * HOUR;

/** What one attempt met: a status, or a short reason why there was none. */
export interface AttemptResult {
  status: number | null;
  error: string | null;
  /** What the endpoint's `Retry-After` asks for. */
  retryAfterMs: number | null;
}

export type Verdict =
  | { kind: 'delivered' }
  /** Try again in so many ms. */
  | { kind: 'later'; inMs: number }
  /** Given up; it can be sent again by hand. */
  | { kind: 'dead' }
  /** 410 Gone: this endpoint wants nothing any more. */
  | { kind: 'gone' };

/** What follows from the attempt with this number (the first is 1). */
export function judgeAttempt(number: number, { status, retryAfterMs }: AttemptResult): Verdict {
  if (status !== null && status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone' };
  const pause = RETRY_PAUSES_MS[number - 1];
  if (pause === undefined) return { kind: 'dead' };
  return { kind: 'later', inMs: Math.max(pause, longestRest({ retryAfterMs })) };
}

/** For how long an endpoint asks to be told nothing at all, as far as we grant it. */
export const longestRest = ({ retryAfterMs }: Pick<AttemptResult, 'retryAfterMs'>): number =>
  Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS);

/** `Retry-After` (RFC 9110, 10.2.3) in ms: seconds, or a date. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  if (!/^[A-Za-z]{3,9}, /.test(header.trim())) return null; // `Date.parse` also makes dates of `-5` and `1.5`
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
