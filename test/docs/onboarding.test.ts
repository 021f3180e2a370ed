import { expect, test } from '@jest/globals';
import { TABLE } from '../faults/onboardingTable';
import { pages } from './markdown';

test('docs/onboarding.md shows the table of steps, faults and results that the tests live through', () => {
  const { text } = pages().find(({ file }) => file === 'docs/onboarding.md')!;
  const rows = [...text.matchAll(/^\|(.*)\|$/gm)].map(([, cells = '']) => cells.split('|').map((cell) => cell.trim()));
  expect(rows.slice(2)).toEqual(TABLE);
});
