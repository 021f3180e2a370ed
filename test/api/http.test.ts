import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import net from 'node:net';
import { ROUTES } from '../../contracts/routes';
import { expectProblem } from '../support/expectProblem';
import { asTenant, countRows, send, startApi } from '../support/http';
import type { TestProgram } from '../support/program';
import { createRouteCalls, fillIn, nameOf, READING_ROUTES } from '../support/routes';
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

/** Probes and scrapers ask by address, and learn nothing that is anybody's. */
const PROBED = ['/healthz', '/readyz', '/metrics'];
const GUARDED = READING_ROUTES.filter(({ path }) => !PROBED.includes(path));
const unchanged = async () => expect(await countRows(program)).toEqual(before);
const PATHS = [...new Set(ROUTES.map(({ path }) => path))];
const methodsOf = (path: string) =>
  ROUTES.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());

test.each([
  '/',
  '/v1',
  '/v2/users',
  '/v1/nothing',
  '/V1/users',
  '/v1/Users',
  '//v1/users',
  '/v1//users',
  '/v1/users/',
  '/v1/users/%zz',
  '/v1/approvals/%',
  '/v1/users/../approvals',
  '/v1/./users',
  '/v1/users%00',
  '/v1/users;a=b',
  '/.env',
  '/index.html',
  '/healthz/',
  '/metrics/x',
  '*',
  '/%E0%A4%A',
  `/${'x'.repeat(8_000)}`,
])('there is nothing at %s', async (path) => {
  for (const method of ['GET', 'POST', 'DELETE']) {
    expectProblem(await send(program, { method, path, headers: asTenant(program) }), 'route_not_found');
  }
  await unchanged();
});

test.each(ROUTES.map((route) => [nameOf(route), route] as const))('%s ends with no slash', async (_name, { path }) => {
  const { ids } = routes;
  expectProblem(await send(program, { path: `${fillIn(path, ids)}/`, headers: asTenant(program) }), 'route_not_found');
});

test.each(PATHS)('%s says which methods it has', async (path) => {
  const allowed = methodsOf(path);
  const others = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'].filter(
    (method) => !allowed.includes(method),
  );
  for (const method of others) {
    const reply = await send(program, { method, path: fillIn(path, routes.ids), headers: asTenant(program) });
    expectProblem(reply, 'method_not_allowed');
    expect(String(reply.headers['allow']).split(', ').sort()).toEqual([...allowed].sort());
  }
  await unchanged();
});

test.each(READING_ROUTES.filter(({ method }) => method === 'get').map((route) => [nameOf(route), route] as const))(
  '%s answers HEAD like GET, but for the body',
  async (_name, route) => {
    if (route.caller === 'device') return; // its proof names the method
    const path = fillIn(route.path, routes.ids);
    const headers = route.caller === 'tenant' ? asTenant(program) : {};
    const reply = await send(program, { method: 'HEAD', path, headers });
    expect([reply.status, reply.text]).toEqual([200, '']);
    if (route.caller !== 'tenant') return;
    const refused = await send(program, { method: 'HEAD', path });
    expect([refused.status, refused.text]).toEqual([401, '']);
  },
);

describe('a host name', () => {
  test.each([
    ['of somebody else', 'example.com'],
    ['of somebody else, with our port', 'example.com:PORT'],
    ['of ours, with another port', '127.0.0.1:1'],
    ['of ours, without the port', '127.0.0.1'],
    ['that only begins like ours', '127.0.0.1:PORT.example.com'],
    ['that is no name', '%%%'],
  ])('%s is refused on every route', async (_what, host) => {
    const headers = { host: host.replace('PORT', new URL(program.url).port) };
    for (const route of GUARDED) expectProblem(await routes.call(route, { headers }), 'host_not_allowed');
    await unchanged();
  });

  test.each(['127.0.0.1', 'localhost', 'LocalHost'])('%s is ours', async (host) => {
    const headers = { ...asTenant(program), host: `${host}:${new URL(program.url).port}` };
    expect((await send(program, { path: '/v1/users', headers })).status).toBe(200);
  });

  test.each(PROBED)('does not matter to those who probe %s', async (path) => {
    expect((await send(program, { path, headers: { host: '10.0.0.7:4700' } })).status).toBe(200);
  });
});

describe('a page', () => {
  test.each(['https://example.com', 'null', 'http://127.0.0.1', 'https://127.0.0.1:PORT', 'nonsense', ''])(
    'of %j may call nothing, and learns nothing',
    async (origin) => {
      const headers = { origin: origin.replace('PORT', new URL(program.url).port) };
      for (const route of GUARDED) {
        const reply = await routes.call(route, { headers });
        expectProblem(reply, 'origin_not_allowed');
        expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
      await unchanged();
    },
  );

  test('of our own may', async () => {
    const headers = { ...asTenant(program), origin: program.url };
    expect((await send(program, { path: '/v1/users', headers })).status).toBe(200);
  });
});

test('every reply has an id, is kept by nobody, and does not say what we are made of', async () => {
  for (const route of READING_ROUTES.filter(({ stream }) => !stream)) {
    const { headers } = await routes.call(route, { query: '?surprise=1' });
    expect(headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('etag');
  }
});

test('a body that is cut off by the caller does nothing, and the server goes on', async () => {
  const { port } = new URL(program.url);
  const socket = net.connect(Number(port), '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(
    `POST /v1/users HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${program.tenant.apiKey}\r\n` +
      `content-type: application/json\r\ncontent-length: 100\r\n\r\n{"externalId":"half"`,
    () => socket.destroy(),
  );
  await closed;
  expect((await send(program, { path: '/healthz' })).status).toBe(200);
  await unchanged();
});

test('what is no HTTP at all is hung up on, and the server goes on', async () => {
  const { port } = new URL(program.url);
  for (const bytes of [
    '\u0016\u0003\u0001',
    'GET / HTTP/9.9\r\n\r\n',
    'x'.repeat(100),
    'GET /v1/users HTTP/1.1\r\n\r\n',
  ]) {
    const socket = net.connect(Number(port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    socket.end(bytes);
    await closed;
    expect(text).toMatch(/^(HTTP\/1\.1 4\d\d [^]*)?$/);
    expect(text).not.toMatch(/<html|at \w+ \(/i);
  }
  expect((await send(program, { path: '/healthz' })).status).toBe(200);
});

test('without the simulated carrier there is no such route', async () => {
  const strict = await startApi({ env: { COUNTERSIGN_SIMULATOR: '0' } });
  try {
    const call = { path: '/v1/simulator/messages', headers: asTenant(strict) };
    expectProblem(await send(strict, call), 'route_not_found');
    expectProblem(await send(strict, { ...call, method: 'POST' }), 'route_not_found');
  } finally {
    await strict.close();
  }
});

test('none of it was an accident', () => {
  expect(program.logs.filter((line) => line.includes('"accident"'))).toEqual([]);
});
