import { describe, expect, test } from '@jest/globals';
import { judgeAttempt, longestRest, readRetryAfter, RETRY_PAUSES_MS } from '../../domain/webhook';

const DAY = 24 * 60 * 60_000;
const answered = (status: number | null, retryAfterMs: number | null = null) => ({
  status,
  error: status === null ? 'timeout' : null,
  retryAfterMs,
});

describe('what follows from an attempt', () => {
  test.each([200, 201, 204, 299])('%d is taken', (status) => {
    expect(judgeAttempt(1, answered(status, 5_000))).toEqual({ kind: 'delivered' });
  });

  test.each([null, 100, 199, 300, 301, 307, 400, 404, 409, 411, 429, 500, 503, 599])('%p is tried again', (status) => {
    expect(judgeAttempt(1, answered(status))).toEqual({ kind: 'later', inMs: 5_000 });
  });

  test('410 wants nothing any more, at any attempt', () => {
    for (const number of [1, 5, 10]) expect(judgeAttempt(number, answered(410))).toEqual({ kind: 'gone' });
  });

  test('pauses grow over about three days, and then it is dead', () => {
    const verdicts = RETRY_PAUSES_MS.map((_, index) => judgeAttempt(index + 1, answered(500)));
    expect(verdicts).toEqual(RETRY_PAUSES_MS.map((inMs) => ({ kind: 'later', inMs })));
    expect([...RETRY_PAUSES_MS].sort((a, b) => a - b)).toEqual([...RETRY_PAUSES_MS]);
    const together = RETRY_PAUSES_MS.reduce((sum, pause) => sum + pause, 0);
    expect(together).toBeGreaterThan(3 * DAY);
    expect(together).toBeLessThan(4 * DAY);
    expect(judgeAttempt(RETRY_PAUSES_MS.length + 1, answered(500))).toEqual({ kind: 'dead' });
    expect(judgeAttempt(99, answered(null, 60_000))).toEqual({ kind: 'dead' });
  });

  test.each([
    [60_000, 60_000, 'is more than our pause'],
    [1_000, 5_000, 'is less than our pause'],
    [400 * DAY, DAY, 'is more than we grant'],
  ])('Retry-After of %d ms makes it %d ms: it %s', (asked, inMs) => {
    expect(judgeAttempt(1, answered(429, asked))).toEqual({ kind: 'later', inMs });
  });

  test('the endpoint rests as long as it asks, and a day at most', () => {
    expect(longestRest({ retryAfterMs: null })).toBe(0);
    expect(longestRest({ retryAfterMs: 1_500 })).toBe(1_500);
    expect(longestRest({ retryAfterMs: 2 * DAY })).toBe(DAY);
  });
});

const NOW = Date.parse('2026-11-24T10:00:00.000Z');
test.each([
  [undefined, null],
  ['', null],
  ['soon', null],
  ['120', 120_000],
  [' 3 ', 3_000],
  ['0', 0],
  ['999999999', 999_999_999_000],
  ['9999999999999999999999', null],
  ['Tue, 24 Nov 2026 10:01:00 GMT', 60_000],
  ['Tue, 24 Nov 2026 09:00:00 GMT', 0],
  ['-5', null],
  ['1.5', null],
])('Retry-After %p is %p ms', (header, ms) => {
  expect(readRetryAfter(header, NOW)).toBe(ms);
});
