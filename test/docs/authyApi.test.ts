import { expect, test } from '@jest/globals';
import fs from 'node:fs';
import path from 'node:path';
import { authyRoutes } from '../../api/authy/routes';
import type { UnderWay } from '../../api/underWay';
import type { Services } from '../../services/services';
import { pages, ROOT } from './markdown';

const { text } = pages().find(({ file }) => file === 'docs/authy-api.md')!;
const FEATURES = text.slice(text.indexOf('## Features'), text.indexOf('## Clients'));
const ROWS = [...FEATURES.matchAll(/^\|(.*)\|$/gm)]
  .map(([, cells = '']) => cells.split(' | ').map((cell) => cell.trim()))
  .slice(2);

/** "file" and "title" of the tests that a row names: a file, and then titles of it. */
function namedTests(cell: string): [file: string, title: string][] {
  return [...cell.matchAll(/`([\w./]+\.ts)`((?:,? "[^"]+")+)/g)].flatMap(([, file = '', titles = '']) =>
    [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']): [string, string] => [file, title]),
  );
}

/** The titles of tests in a file, and of requests that were recorded: each of them is a test. */
function titlesOf(file: string): Set<string> {
  const source = fs.readFileSync(path.join(ROOT, 'test', file), 'utf8');
  const literals = source.matchAll(/(?:(?:\btest|\))\(\s*|\bdoes: )(['"`])((?:(?!\1).)+)\1,/g);
  const inTables = source.matchAll(/^ {4}\[\n {6}'(.+)',$/gm);
  return new Set([...[...literals].map(([, , title]) => title!), ...[...inTables].map(([, title]) => title!)]);
}

test('every row of the features of the Authy API names tests, and they are there', () => {
  expect(ROWS.length).toBeGreaterThan(30);
  expect(ROWS.filter((cells) => cells.length !== 4)).toEqual([]);
  expect(ROWS.filter(([, , , shownBy = '']) => namedTests(shownBy).length === 0)).toEqual([]);
  const named = ROWS.flatMap(([, , , shownBy = '']) => namedTests(shownBy));
  expect(named.filter(([file, title]) => !titlesOf(file).has(title))).toEqual([]);
});

test('every call of the Authy API is in a row, and nothing else is', () => {
  const withoutNames = (call: string) => call.replace(':format', 'json').replace(/:\w+/g, ':');
  const served = authyRoutes({} as Services, {} as UnderWay, () => []).stack.flatMap(({ route }) =>
    route ? [withoutNames(`${route.stack[0]!.method.toUpperCase()} ${route.path}`)] : [],
  );
  const told = ROWS.flatMap(([, calls = '']) =>
    [...calls.matchAll(/`([A-Z]+ [^`]+)`/g)].map(([, call = '']) => withoutNames(call)),
  );
  // What may be called by GET and by POST is told once.
  const isTold = (call: string) =>
    [call, call.replace(/^GET/, 'POST'), call.replace(/^POST/, 'GET')].some((one) => told.includes(one));
  expect(served.filter((call) => !isTold(call))).toEqual(['GET /protected/qr/:.png']); // the picture of a QR code
  expect(told.filter((call) => !served.includes(call))).toEqual([]);
});
