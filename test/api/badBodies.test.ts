import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import type { Route } from '../../contracts/route';
import type { ErrorCode } from '../../domain/errors';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import type { TestProgram } from '../support/program';
import { createRouteCalls, nameOf, READING_ROUTES } from '../support/routes';
import type { Change, RouteCalls } from '../support/routes';

let program: TestProgram;
let routes: RouteCalls;
beforeAll(async () => {
  program = await startApi();
  routes = await createRouteCalls(program);
}, 60_000);
afterAll(() => program?.close());

const nested = (open: string, close: string, levels: number) =>
  `{"title":${open.repeat(levels)}1${close.repeat(levels)}}`;
const tooLong = `{"title":"${'x'.repeat(64 * 1024 + 1 - 12)}"}`;

// What is wrong with the bytes is refused alike on every route, also on those that have no use for a body.
const FAULTS: [fault: string, body: Buffer | string, code: ErrorCode, field?: string | undefined][] = [
  ['a byte more than 64 KiB', tooLong, 'body_too_large'],
  ['no JSON', 'title=Log+in', 'invalid_json'],
  ['JSON that was cut off', '{"title":"Log', 'invalid_json'],
  ['two JSON documents', '{}{}', 'invalid_json'],
  ['a comment', '{/* hello */}', 'invalid_json'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'invalid_json'],
  ['UTF-16', Buffer.from('{"title":"Log in"}', 'utf16le'), 'invalid_json'],
  ['a control character inside a string', '{"title":"a\u0000b"}', 'invalid_json'],
  ['a key twice', '{"title":"a","title":"b"}', 'duplicate_key', 'title'],
  ['a key twice, once in disguise', '{"title":"a","t\\u0069tle":"b"}', 'duplicate_key', 'title'],
  ['a key twice further inside', '{"hiddenDetails":{"a":[{"b":1,"b":2}]}}', 'duplicate_key', 'b'],
  ['the key __proto__', '{"__proto__":{"userId":"x"}}', 'invalid_request', '__proto__'],
  ['the key __proto__ further inside', '{"hiddenDetails":{"__proto__":1}}', 'invalid_request', '__proto__'],
  ['a number above 2^53', '{"expiresInSeconds":9007199254740993}', 'invalid_request', undefined],
  ['a number that is infinite', '{"expiresInSeconds":1e400}', 'invalid_request'],
  ['arrays, 10,000 deep', nested('[', ']', 10_000), 'invalid_request'],
  ['objects, 9,000 deep', nested('{"a":', '}', 9_000), 'invalid_request'],
  ['an array', '[]', 'invalid_request', undefined],
  ['null', 'null', 'invalid_request', undefined],
  ['a text', '"title"', 'invalid_request', undefined],
  ['a number', '5', 'invalid_request', undefined],
];

describe('every route refuses a body that is', () => {
  let before: Record<string, number>;
  beforeEach(async () => void (before = await countRows(program)));

  test.each(FAULTS)('%s', async (_fault, body, code, ...field) => {
    await everyRouteRefuses({ body }, code, field.length > 0 ? { field: field[0] } : {});
    expect(await countRows(program)).toEqual(before);
  });

  test('of another type, of none, or compressed', async () => {
    const body = '{}';
    await everyRouteRefuses({ body, headers: { 'content-type': 'text/plain' } }, 'unsupported_media_type');
    await everyRouteRefuses({ body, headers: { 'content-type': 'application/jsonx' } }, 'unsupported_media_type');
    await everyRouteRefuses({ body, headers: { 'content-type': [] } }, 'unsupported_media_type');
    const headers = { 'content-encoding': 'gzip' };
    await everyRouteRefuses({ body: gzipSync(body), headers }, 'unsupported_media_type');
    expect(await countRows(program)).toEqual(before);
  });

  test('good but for a field that nobody knows', async () => {
    await everyRouteRefuses(
      (route) => ({ body: JSON.stringify({ ...routes.goodBody(route), surprise: 1 }) }),
      'invalid_request',
      { field: 'surprise' },
    );
    expect(await countRows(program)).toEqual(before);
  });

  test('a byte more than 64 KiB, and takes one of 64 KiB', async () => {
    const [create] = READING_ROUTES;
    const exactly = await routes.call(create!, { body: tooLong.replace('x"}', '"}') });
    expectProblem(exactly, 'invalid_request', { field: 'title' });
  });
});

test('an unknown or a repeated query parameter is refused by every route', async () => {
  await everyRouteRefuses({ query: '?surprise=1' }, 'invalid_request', { field: 'surprise' });
  await everyRouteRefuses({ query: '?surprise=1&surprise=2' }, 'invalid_request', { field: 'surprise' });
  await everyRouteRefuses({ query: '?__proto__=1' }, 'invalid_request', { field: '__proto__' });
});

async function everyRouteRefuses(
  change: Change | ((route: Route) => Change),
  code: ErrorCode,
  more: { field?: string | undefined } = {},
): Promise<void> {
  for (const route of READING_ROUTES) {
    const reply = await routes.call(route, typeof change === 'function' ? change(route) : change);
    try {
      expectProblem(reply, code, more);
    } catch (error) {
      throw new Error(`${nameOf(route)} answered ${reply.status} ${reply.text}`, { cause: error });
    }
  }
}
