import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fs from 'node:fs';
import path from 'node:path';
import createNodeAuthy from 'authy';
import { Client } from 'authy-client';
import { startChanging } from './changing';
import type { ClientName } from './cases';
import { MESSAGES } from './documented';
import { CASES, isFailed, runCases, TITLES } from './results';
import type { Result } from './results';
import { startWorld } from './world';
import type { World } from './world';

let world: World;
let results: Result[];
beforeAll(async () => {
  world = await startWorld();
  results = await runCases(world, CASES); // several at once take a third of the time
}, 120_000);
afterAll(() => world?.close());

const CLIENTS = Object.keys(TITLES) as ClientName[];
const casesOf = (client: ClientName) => CASES.filter((each) => each.client === client);

describe.each(CLIENTS)('%s', (client) => {
  test.each(casesOf(client))('$method: $name', ({ run }) => {
    const result = results.find((each) => each.run === run)!;
    if ('error' in result) throw result.error;
  });
});

describe('the table', () => {
  test('names every method that the clients offer', () => {
    const authy = createNodeAuthy('key');
    const offered: Partial<Record<ClientName, string[]>> = {
      'authy-client': Object.getOwnPropertyNames(Client.prototype).filter((name) => name !== 'constructor'),
      authy: [
        ...Object.keys(Object.getPrototypeOf(authy)).filter((name) => !['_request', 'phones'].includes(name)),
        ...Object.keys(authy.phones()).map((name) => `phones.${name}`),
      ],
    };
    for (const [client, methods] of Object.entries(offered)) {
      const named = new Set(casesOf(client as ClientName).map(({ method }) => method));
      expect([...named].sort()).toEqual(methods.sort());
    }
  });

  test('is of the versions that are installed', () => {
    for (const name of ['authy', 'authy-client'] as const) {
      const file = path.join(__dirname, '..', '..', 'node_modules', name, 'package.json');
      const { version } = JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string };
      expect(TITLES[name]).toBe(`npm ${name} ${version}`);
    }
  });
});

// Who checks a message at all is not only said in the table: another message makes a case fail.
test.each(Object.values(MESSAGES))('a reply that does not say "%s" is noticed', async (message) => {
  const cases = CASES.filter(({ says }) => says === message);
  const changing = await startChanging(world.url, { from: message, to: `${message.slice(0, -1)}!` });
  try {
    const changed = await runCases(world.through(changing.url), cases);
    expect(changing.count()).toBeGreaterThan(0);
    expect(changed.map((result) => [result.method, isFailed(result)])).toEqual(
      cases.map(({ method }) => [method, true]),
    );
  } finally {
    await changing.close();
  }
});
