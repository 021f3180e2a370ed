import { RateLimiterMemory } from 'rate-limiter-flexible';
import { DomainError } from '../domain/errors';
import type { ErrorCode } from '../domain/errors';

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
