import { RateLimiterMemory } from 'rate-limiter-flexible';
import { DomainError } from '../domain/errors';
import type { ErrorCode } from '../domain/errors';
import { digest } from '../services/text';

/** Runs a call unless too many of the kind that is counted came under its key within the last minute. */
export type Limited = <T>(key: string, call: () => Promise<T>) => Promise<T>;

/** Limits, in the memory of this process, how often calls under one key may end in `counted`: a refusal, or success. */
export function limitPerMinute(most: number, counted: ErrorCode | 'success'): Limited {
  const limiter = new RateLimiterMemory({ points: most, duration: 60 });
  return async (key, call) => {
    const spent = await limiter.get(key);
    if (spent && spent.consumedPoints >= most) {
      throw new DomainError('too_many_requests', { retryAfterSeconds: Math.ceil(spent.msBeforeNext / 1_000) });
    }
    try {
      const result = await call();
      if (counted === 'success') await limiter.penalty(key);
      return result;
    } catch (error) {
      if (error instanceof DomainError && error.code === counted) await limiter.penalty(key);
      throw error;
    }
  };
}

/** Secrets that one address may try in a minute without success. */
const MOST_WRONG = 60;
/** What one secret gives in a minute: each is a row and an event. */
const MOST_GIVEN = 10;

/** Limits how often anybody may give a secret for something; `wrong` is what is said of a secret that is none. */
export function limitExchanges(wrong: ErrorCode) {
  const limitWrong = limitPerMinute(MOST_WRONG, wrong);
  const limitGiven = limitPerMinute(MOST_GIVEN, 'success');
  return <T>(address: string, secret: string, exchange: () => Promise<T>): Promise<T> =>
    limitWrong(address, () => limitGiven(digest(secret), exchange));
}
