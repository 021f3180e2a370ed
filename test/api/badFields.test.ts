import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Route } from '../../contracts/route';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import type { TestProgram } from '../support/program';
import { createRouteCalls, fillIn, nameOf, paramsOf, READING_ROUTES } from '../support/routes';
import type { RouteCalls } from '../support/routes';

let program: TestProgram;
let routes: RouteCalls;
let before: Record<string, number>;
beforeAll(async () => {
  program = await startApi();
  routes = await createRouteCalls(program);
}, 60_000);
beforeEach(async () => void (before = await countRows(program)));
afterAll(() => program?.close());

const routeCalled = (name: string): Route => READING_ROUTES.find((route) => nameOf(route) === name)!;

const HALF = '\ud800';
const NUL = '\u0000';
const TURNED = 'gpj.\u202eexe';
const ARABIC_MARK = 'a\u061cb';
const many = (count: number) => Array.from({ length: count }, () => ({ label: 'a', value: 'b' }));
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

/** What is put in the place of a good field, and which field the refusal names. Undefined leaves the field out. */
type Faults = [field: string, value: unknown, named?: string][];

const ask = { route: 'POST /v1/approvals' };
const APPROVAL: Faults = [
  ...[undefined, null, 5, '', 'x', [], {}, `${randomUUID()}x`].map((v): Faults[number] => ['userId', v]),
  ...['LOGIN', '', null, 1, ['login']].map((v): Faults[number] => ['mode', v]),
  ...[undefined, null, 5, '', 'x'.repeat(201), {}, ['a'], HALF, `a${NUL}`, TURNED, ARABIC_MARK, '\u0085'].map(
    (v): Faults[number] => ['title', v],
  ),
  ...[null, {}, 'x', many(21)].map((v): Faults[number] => ['details', v]),
  ['details', [['label', 'value']], 'details.0'],
  ['details', [{ label: 'a' }], 'details.0.value'],
  ['details', [{ label: '', value: 'b' }], 'details.0.label'],
  ['details', [...many(1), { label: 'a', value: 'x'.repeat(501) }], 'details.1.value'],
  ['details', [{ label: 'x'.repeat(101), value: 'b' }], 'details.0.label'],
  ['details', [{ label: TURNED, value: 'b' }], 'details.0.label'],
  ['details', [{ label: 'a', value: HALF }], 'details.0.value'],
  ['details', [{ label: 'a', value: 'b', bold: true }], 'details.0.bold'],
  ...[null, [], 'x', 1, { long: 'x'.repeat(16_384) }, { half: HALF }, { [HALF]: 1 }, { a: ['b', { c: HALF }] }].map(
    (v): Faults[number] => ['hiddenDetails', v],
  ),
  ['hiddenDetails', { ['x'.repeat(101)]: 1 }, `hiddenDetails.${'x'.repeat(101)}`],
  ...[null, '300', 9, 86_401, 10.5, -1, true, [300]].map((v): Faults[number] => ['expiresInSeconds', v]),
  ...[null, 5, [], `https://example.com/${'x'.repeat(2_048)}`].map((v): Faults[number] => ['callbackUrl', v]),
  ...['them', '', null, true].map((v): Faults[number] => ['push', v]),
];

const USER: Faults = [
  ['externalId', undefined],
  ...[null, 5, '', 'x'.repeat(129), HALF, `a${NUL}`, TURNED, {}].map((v): Faults[number] => ['externalId', v]),
  ...[null, 41446681800, '', '+41', 'x'.repeat(33), []].map((v): Faults[number] => ['phone', v]),
  ...[null, 5, '', 'nobody', 'a@b', `${'x'.repeat(250)}@example.com`, `a${NUL}@example.com`].map(
    (v): Faults[number] => ['email', v],
  ),
];

const REGISTRATION: Faults = [
  ...[undefined, null, 5, 'x'.repeat(201)].map((v): Faults[number] => ['registrationToken', v]),
  ...[undefined, null, 'key', []].map((v): Faults[number] => ['publicJwk', v]),
  ['publicJwk', {}, 'publicJwk.kty'],
  ['publicJwk', { kty: 'EC', crv: 'P-384', x: 'x'.repeat(43), y: 'y'.repeat(43) }, 'publicJwk.crv'],
  ['publicJwk', { kty: 'EC', crv: 'P-256', x: 'x'.repeat(44), y: 'y'.repeat(43) }, 'publicJwk.x'],
  ['publicJwk', { kty: 'EC', crv: 'P-256', x: 'x'.repeat(43), y: 'y'.repeat(43), d: 'mine' }, 'publicJwk.d'],
  ...[undefined, null, '', 'x'.repeat(101), HALF, `a${NUL}`, TURNED].map((v): Faults[number] => ['name', v]),
  ...[undefined, null, '', 'x'.repeat(41), HALF, `a${NUL}`].map((v): Faults[number] => ['platform', v]),
  ...[undefined, null, '', 'a.b', 'a.b.', 'a.b.c.d', 'ä.b.c', `a.b.${'c'.repeat(4_093)}`].map((v): Faults[number] => [
    'proof',
    v,
  ]),
];

const ANSWER: Faults = [undefined, null, 5, {}, '', 'a.b', 'a.b.', `a.b.${'c'.repeat(4_093)}`].map((v) => [
  'answer',
  v,
]);

const PUSH_TARGET: Faults = [
  ...[undefined, null, 'pigeon', 5].map((v): Faults[number] => ['kind', v]),
  ['kind', 'simulated', 'token'],
  ['token', 'not with kind none'],
];

const CODE: Faults = [
  ...[undefined, null, 'push', 'SMS', '', 5, ['sms']].map((v): Faults[number] => ['channel', v]),
  ...[null, 3, 11, '6', 5.5, -6].map((v): Faults[number] => ['length', v]),
  ['code', '123456'],
  ['phone', '+41446681800'],
];

const DIGITS: Faults = [
  ...[
    undefined,
    null,
    123456,
    '',
    '123',
    '12345678901',
    '12345a',
    ' 123456',
    '123456\n',
    '-12345',
    '١٢٣٤٥٦',
    ['123456'],
  ].map((v): Faults[number] => ['code', v]),
];

describe.each([
  [ask.route, APPROVAL],
  ['POST /v1/users/:userId/codes', CODE],
  ['POST /v1/users/:userId/codes/check', DIGITS],
  ['POST /v1/users/:userId/totp/check', [...DIGITS, ...['12345', '12345678'].map((v): Faults[number] => ['code', v])]],
  ['POST /v1/users', USER],
  ['POST /v1/device/registrations', REGISTRATION],
  ['POST /v1/device/approvals/:approvalId/answer', ANSWER],
  ['PUT /v1/device/push-target', PUSH_TARGET],
])('%s refuses', (name, faults) => {
  test.each(faults)('%s %j', async (field, value, named = field) => {
    const route = routeCalled(name);
    const reply = await routes.call(route, { body: JSON.stringify({ ...routes.goodBody(route), [field]: value }) });
    expectProblem(reply, 'invalid_request', { field: named });
    expect(await countRows(program)).toEqual(before);
  });
});

test('hidden details may not be nested without end', async () => {
  const route = routeCalled(ask.route);
  for (const levels of [100, 1_000, 9_000]) {
    const body = `{"userId":"${routes.ids.userId}","title":"x","hiddenDetails":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}`;
    expectProblem(await routes.call(route, { body }), 'invalid_request');
  }
  const body = JSON.stringify({ ...routes.goodBody(route), hiddenDetails: { a: deep(20) } });
  expect((await routes.call(route, { body })).status).toBe(201);
});

test.each([
  [
    'GET /v1/approvals/:approvalId',
    'wait',
    ['31', '-1', '1.5', 'soon', '99999999999999999999', 'Infinity', 'NaN', '1&wait=2'],
  ],
  ['GET /v1/approvals', 'limit', ['0', '101', '-1', '2.5', 'all', '', '1&limit=2']],
  ['GET /v1/approvals', 'status', ['open', '', 'pending&status=denied']],
  ['GET /v1/approvals', 'userId', ['', 'x', '%00']],
  ['GET /v1/approvals', 'cursor', ['', '!', 'bm90IG91cnM', 'x'.repeat(201), 'a&cursor=b']],
  ['GET /v1/users', 'limit', ['0', '101', 'all']],
  ['GET /v1/users', 'externalId', ['', 'x'.repeat(129), '%00', '%E2%80%AE', 'a&externalId=b']],
  ['GET /v1/users', 'phone', ['', 'x', 'x'.repeat(33)]],
  ['GET /v1/users', 'cursor', ['', '!', 'bm90IG91cnM']],
  ['GET /v1/device/approvals', 'wait', ['31', '-1', 'soon', '1&wait=2']],
  ['GET /v1/device/approvals', 'cursor', ['x'.repeat(65), 'a&cursor=b']],
])('%s refuses ?%s= %j', async (name, parameter, values) => {
  for (const value of values) {
    const reply = await routes.call(routeCalled(name), { query: `?${parameter}=${value}` });
    expectProblem(reply, 'invalid_request', { field: parameter });
  }
});

test.each([
  ['a time that no calendar has', '9999999999999999', randomUUID()],
  ['a time beyond the database', '8640000000000000', randomUUID()],
  ['an id that is none', '1700000000000', '-'.repeat(36)],
])('a cursor with %s is refused', async (_what, at, id) => {
  const cursor = Buffer.from(`${at}.${id}`).toString('base64url');
  for (const name of ['GET /v1/users', 'GET /v1/approvals']) {
    const reply = await routes.call(routeCalled(name), { query: `?cursor=${cursor}` });
    expectProblem(reply, 'invalid_request', { field: 'cursor' });
  }
});

describe('an id in a path', () => {
  const withParams = READING_ROUTES.filter((route) => paramsOf(route).length > 0);
  test.each(withParams.map((route) => [nameOf(route), route] as const))('of %s has to be one', async (_name, route) => {
    for (const param of paramsOf(route)) {
      for (const bad of ['x', '0', 'undefined', '\u0000', "' or 1=1", `${randomUUID()}0`, 'g'.repeat(36)]) {
        const reply = await routes.call(route, { path: fillIn(route.path, { ...routes.ids, [param]: bad }) });
        expectProblem(reply, 'invalid_request', { field: param });
      }
    }
    expect(await countRows(program)).toEqual(before);
  });
});
