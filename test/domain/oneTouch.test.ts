import { expect, test } from '@jest/globals';
import { OUTCOMES, STATUSES } from '../../domain/approval';
import { callbackAfter, lifetimeOf, toOneTouchStatus } from '../../domain/oneTouch';

test.each([
  [undefined, 86_400],
  [0, 86_400],
  [1, 1],
  [86_400, 86_400],
  [86_401, 86_400],
])('a request for %s s lives %i s', (seconds, expected) => {
  expect(lifetimeOf(seconds)).toBe(expected);
});

test('four statuses are told: a cancelled one has expired', () => {
  expect(STATUSES.map(toOneTouchStatus)).toEqual(['pending', 'approved', 'denied', 'expired', 'expired']);
});

test('ordinary approvals tell every outcome, those of the Authy dialect answers only unless more is wanted', () => {
  const told = (oneTouch: { tellsExpiry: boolean } | null, callbackUrl: string | null = 'https://example.com') =>
    OUTCOMES.filter((outcome) => callbackAfter({ callbackUrl, oneTouch }, outcome) === 'waiting');
  expect(told(null)).toEqual(OUTCOMES);
  expect(told({ tellsExpiry: false })).toEqual(['approved', 'denied']);
  expect(told({ tellsExpiry: true })).toEqual(OUTCOMES);
  for (const oneTouch of [null, { tellsExpiry: true }]) expect(told(oneTouch, null)).toEqual([]);
});
