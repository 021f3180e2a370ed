import { expect, test } from '@jest/globals';
import { toE164 } from '../../domain/phoneNumber';

test.each([
  ['+41 44 668 18 00', '+41446681800'],
  [' +1 (415) 555-2671 ', '+14155552671'],
  ['+447400123456', '+447400123456'],
])('%s is %s', (typed, e164) => {
  expect(toE164(typed)).toBe(e164);
});

test.each(['', '044 668 18 00', '0041446681800', '+', '+1', '+999123456789', 'call me', '+41 44 668 18 0x'])(
  '%p is refused: no country is guessed',
  (typed) => {
    expect(() => toE164(typed)).toThrow(expect.objectContaining({ code: 'phone_invalid' }));
  },
);
