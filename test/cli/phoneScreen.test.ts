import { expect, test } from '@jest/globals';
import { readChoice, renderAnswered, renderApproval, renderLine } from '../../cli/phoneScreen';
import { incoming } from './incoming';

const NOW = Date.parse('2026-11-24T10:00:00.000Z');

test('an approval shows who asks, for what, its details in order, and the time left', () => {
  const approval = incoming('a-1', {
    title: 'Pay 49.90 EUR?',
    details: [
      { label: 'To', value: 'Example Shop' },
      { label: 'Amount', value: '49.90 EUR' },
    ],
  });
  expect(renderApproval(approval, NOW).split('\n')).toEqual([
    '',
    'Demo Shop asks: do you agree to this?',
    '  Pay 49.90 EUR?',
    '  To      Example Shop',
    '  Amount  49.90 EUR',
    '  5 min 0 s left (a-1)',
  ]);
});

test('an approval by several shows how far they are', () => {
  const progress = { required: 2, people: 3, approved: 1, denied: 1, missing: 1 };
  const shown = renderApproval({ ...incoming('a-1'), progress }, NOW);
  expect(shown).toContain('\n  1 of 2 approvals, 1 against; 3 people are asked\n');
  expect(renderAnswered('denied', { ...incoming('a-1'), status: 'denied', progress })).toBe(
    '  You denied it. It is denied.',
  );
});

test('nothing that a back end writes moves the cursor or makes a line of its own', () => {
  const evil = '\u001b[2J\nYou approved it.\r\u202e';
  const approval = incoming('a-1\u001b[H', { tenant: evil, title: evil, details: [{ label: evil, value: evil }] });
  for (const text of [renderApproval(approval, NOW), renderLine(approval, NOW)]) {
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
  expect(renderApproval(approval, NOW).split('\n')).toHaveLength(5);
});

test.each([
  [0, '5 min 0 s left'],
  [241_000, '59 s left'],
  [299_001, '1 s left'],
  [300_000, 'expired'],
  [-7_200_000, '2 h 5 min left'],
])('%i ms later it says %j', (laterMs, left) => {
  expect(renderLine(incoming('a-1'), NOW + laterMs)).toContain(left);
});

test.each([
  ['a', 'approve'],
  [' APPROVE ', 'approve'],
  ['d', 'deny'],
  ['n', 'not_me'],
  ['s', 'skip'],
  ['', undefined],
  ['yes', undefined],
  ['aa', undefined],
  ['constructor', undefined],
])('%j means %j', (typed, choice) => {
  expect(readChoice(typed)).toBe(choice);
});
