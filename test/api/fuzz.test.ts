import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Route } from '../../contracts/route';
import { startApi } from '../support/http';
import type { TestProgram } from '../support/program';
import { createRouteCalls, fillIn, nameOf, READING_ROUTES } from '../support/routes';
import type { RouteCalls } from '../support/routes';
import { ask, currentNonce, proveCall, sendAnswer, sendProven, signAnswer } from '../support/signing';

const RUNS = 60;

let program: TestProgram;
let routes: RouteCalls;
beforeAll(async () => {
  program = await startApi();
  routes = await createRouteCalls(program);
}, 60_000);
afterAll(() => program?.close());

const changing = READING_ROUTES.filter(({ method }) => method === 'post' || method === 'put');
const withBody = changing.filter((route) => !['/cancel', '/resend'].some((end) => route.path.endsWith(end)));

// Texts of every kind that has ever broken something, and JSON of every shape.
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('\u0000', '\ud800', '\u202e', '%00', "' or 1=1 --", '__proto__', 'constructor', '', '9'.repeat(40)),
);
const json = fc.oneof(
  text,
  fc.jsonValue({ maxDepth: 4, noUnicodeString: false }),
  fc.constantFrom<unknown>(null, -0, 1e308, 2 ** 53, [], {}, [[]], { length: 3 }),
);

/** Whatever came, it was understood or refused, as JSON or as the file that was asked for; and no accident was logged. */
function expectNoAccident(reply: { status: number; text: string; headers: Record<string, unknown> }): void {
  const type = String(reply.headers['content-type']);
  if (
    reply.status >= 500 ||
    (reply.status !== 204 && !/^(application\/((problem\+)?json|x-ndjson)|text\/csv)/.test(type))
  ) {
    throw new Error(`${reply.status} ${type} ${reply.text}`);
  }
}

test.each(withBody.map((route) => [nameOf(route), route] as const))(
  '%s takes any JSON without an accident',
  async (_name, route) => {
    const good = Object.entries(routes.goodBody(route) ?? {});
    const fields = [...good.map(([name]) => name), ...fieldsOf(route)];
    const body = fc.oneof(
      json,
      // Almost good: one field, known or not, is something else.
      fc
        .tuple(fields.length > 0 ? fc.constantFrom(...fields) : fc.constant('x'), json)
        .map(([name, value]) => ({ ...Object.fromEntries(good), [name]: value })),
      fc.dictionary(text, json, { maxKeys: 4 }).map((more) => ({ ...Object.fromEntries(good), ...more })),
    );
    await fc.assert(
      fc.asyncProperty(body, async (value) => {
        expectNoAccident(await routes.call(route, { body: JSON.stringify(value) ?? 'null' }));
      }),
      { numRuns: RUNS },
    );
  },
  30_000,
);

test('any bytes at all are no accident on any route that changes something', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', 'u', '0', ' ', 'a'), maxLength: 60 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...changing), bytes, async (route, body) => {
      expectNoAccident(await routes.call(route, { body }));
    }),
    { numRuns: 150 },
  );
}, 30_000);

test('any path and query is no accident', async () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 30 }).map((part) => part.toWellFormed());
  // A long wait would be answered well, but late.
  const names = fc.constantFrom('cursor', 'limit', 'status', 'userId', 'externalId', 'phone', 'x', '__proto__');
  const query = fc.dictionary(names, word, { maxKeys: 3 });
  const reading = READING_ROUTES.filter(({ method, stream }) => method === 'get' && !stream);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...reading), word, query, async (route, part, params) => {
      const path = fillIn(route.path, { userId: part, approvalId: part, deviceId: part }).replaceAll('%25', '%');
      expectNoAccident(await routes.call(route, { path, query: `?${new URLSearchParams(params).toString()}` }));
    }),
    { numRuns: 150 },
  );
}, 30_000);

test('anything that a known device may sign is no accident', async () => {
  const phone = routes.user.devices[0]!;
  const approval = await ask(program, routes.user);
  const nonce = await currentNonce(program);
  const names = ['v', 'mode', 'decision', 'reason', 'shownDigest', 'nonce', 'deviceId', 'at', 'jti', 'htm', 'bth', 'x'];
  const said = fc.dictionary(fc.constantFrom(...names), json, { minKeys: 1, maxKeys: 2 });
  const push = { method: 'PUT', path: '/v1/device/push-target', body: '{"kind":"none"}' };
  await fc.assert(
    fc.asyncProperty(said, fc.constantFrom('claims', 'header'), async (faults, part) => {
      const answer = await signAnswer(program, phone, approval, 'approved', { [part]: faults });
      expectNoAccident(await sendAnswer(program, approval.id, answer));
      const claims = { nonce, ...(part === 'claims' ? faults : {}) };
      const proof = await proveCall(program, phone, push, { claims, ...(part === 'header' && { header: faults }) });
      expectNoAccident(await sendProven(program, push, proof));
    }),
    { numRuns: 100 },
  );
}, 30_000);

test('none of it was logged as an accident, and everything still works', async () => {
  expect(program.logs.filter((line) => line.includes('"accident"'))).toEqual([]);
  expect((await program.call('GET', '/v1/users')).status).toBe(200);
});

/** The fields that a body may have, by the words of its contract. */
function fieldsOf(route: Route): string[] {
  const { shape } = route.body as { shape?: Record<string, unknown> };
  return Object.keys(shape ?? {});
}
