import { expect, test } from '@jest/globals';
import { toCsvRow } from '../../services/csv';

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['a,b', '"a,b"'],
  ['say "yes"', '"say ""yes"""'],
  ['two\nlines', '"two\nlines"'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=1+1', "'=1+1"],
  ['+49', "'+49"],
  ['-1', "'-1"],
  ['@sum(a1)', "'@sum(a1)"],
  ['\tx', "'\tx"],
  ['\rx', '"\'\rx"'],
  ['\nx', '"\'\nx"'],
  ['＝1', "'＝1"],
  ['=hyperlink("https://a.example","b")', '"\'=hyperlink(""https://a.example"",""b"")"'],
  ['1=1', '1=1'],
  ["'=1", "'=1"],
])('the cell %j is written as %j', (cell, written) => {
  expect(toCsvRow([cell])).toBe(`${written}\r\n`);
});

test('cells are separated by commas, and rows end as RFC 4180 says', () => {
  expect(toCsvRow(['a', '', 'b "c"'])).toBe('a,,"b ""c"""\r\n');
});
