import { expect, test } from '@jest/globals';
import { AUTHY_EVENT_NAMES, sourcesOf } from '../../domain/authyEvents';
import { pages } from './markdown';

test('the catalogue of the Authy API in the documentation is that of the product', () => {
  const { text } = pages().find(({ file }) => file === 'docs/how-to/authy-webhooks.md')!;
  const told = [...text.matchAll(/^\| `(\w+)` +\| (.*?) *\|$/gm)].map(([, name, from]) => [name, from]);
  const product = AUTHY_EVENT_NAMES.map((name) => [
    name,
    sourcesOf(name)
      .map(
        ({ type, channels, outsideOnboardings }) =>
          `\`${type}\`${channels ? ` (${channels.map((one) => `\`${one}\``).join(', ')})` : ''}${outsideOnboardings ? '¹' : ''}`,
      )
      .join(', '),
  ]);
  expect(told).toEqual(product);
});
