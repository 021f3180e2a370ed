import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { printable } from '../../cli/printable';

test.each([
  ['Pay 49.90 € to Zoë? 日本語 👍', 'Pay 49.90 € to Zoë? 日本語 👍'],
  ['\u001b[2J\u001b]0;title\u0007', '\\u{1b}[2J\\u{1b}]0;title\\u{7}'],
  ['one\ntwo\r\tthree', 'one\\ntwo\\u{d}\\tthree'],
  ['\u009b31m', '\\u{9b}31m'],
  ['EUR \u202e00.1', 'EUR \\u{202e}00.1'],
  ['a\u200bb\u2028c\u{e0041}', 'a\\u{200b}b\\u{2028}c\\u{e0041}'],
  ['\ud800', '\\u{d800}'],
])('%j is shown as %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('no control character ever comes through', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }),
  );
});
