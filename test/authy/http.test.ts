import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { startAuthy } from '../support/authy';
import { send } from '../support/http';

let bench: Awaited<ReturnType<typeof startAuthy>>;
let key: string;
beforeAll(async () => {
  bench = await startAuthy();
  key = bench.tenant.authyApiKey;
});
afterAll(() => bench.close());

const DETAILS = '/protected/json/app/details';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const INVALID_KEY = {
  message: 'Invalid API key',
  success: false,
  errors: { message: 'Invalid API key' },
  error_code: '60001',
};

describe('the key', () => {
  test.each<[string, () => Parameters<typeof send>[1]]>([
    ['in its header', () => ({ path: DETAILS, headers: { 'X-Authy-API-Key': key } })],
    ['in the query', () => ({ path: `${DETAILS}?api_key=${key}` })],
    ['in the query of a POST', () => ({ method: 'POST', path: `${DETAILS}?api_key=${key}` })],
    ['in a form', () => ({ method: 'POST', path: DETAILS, headers: FORM, body: `api_key=${key}` })],
    ['in a form of a GET', () => ({ path: DETAILS, headers: FORM, body: `api_key=${key}` })],
    [
      'in JSON',
      () => ({
        method: 'POST',
        path: DETAILS,
        headers: { 'content-type': 'application/json' },
        body: `{"api_key":"${key}"}`,
      }),
    ],
  ])('%s opens', async (_where, call) => {
    expect(await send(bench, call())).toMatchObject({ status: 200, body: { success: true } });
  });

  test.each<[string, () => Parameters<typeof send>[1]]>([
    ['none', () => ({ path: DETAILS })],
    ['wrong', () => ({ path: DETAILS, headers: { 'X-Authy-API-Key': 'x'.repeat(32) } })],
    ['empty', () => ({ path: DETAILS, headers: { 'X-Authy-API-Key': '' } })],
    ['long', () => ({ path: DETAILS, headers: { 'X-Authy-API-Key': 'x'.repeat(5_000) } })],
    ['twice', () => ({ path: DETAILS, headers: { 'X-Authy-API-Key': [key, key] } })],
    [
      'wrong in the header and right in the query',
      () => ({
        path: `${DETAILS}?api_key=${key}`,
        headers: { 'X-Authy-API-Key': 'x'.repeat(32) },
      }),
    ],
    ['a list', () => ({ path: `${DETAILS}?api_key[]=${key}` })],
    ['of /v1', () => ({ path: DETAILS, headers: { 'X-Authy-API-Key': bench.tenant.apiKey } })],
    ['of /v1 where it belongs', () => ({ path: DETAILS, headers: { authorization: `Bearer ${bench.tenant.apiKey}` } })],
  ])('%s is refused with 60001', async (_what, call) => {
    const { status, body } = await send(bench, call());
    expect(status).toBe(401);
    expect(body).toEqual(INVALID_KEY);
  });

  test('does not open /v1', async () => {
    const { status } = await send(bench, { path: '/v1/users', headers: { authorization: `Bearer ${key}` } });
    expect(status).toBe(401);
  });

  test('is in no line of the log, wherever it travels', async () => {
    await send(bench, { path: `${DETAILS}?api_key=${key}` });
    await send(bench, { path: `/protected/json/nowhere?api_key=${key}` });
    await send(bench, { path: `/protected/json/users/1/status?api_key=${key}&a=%zz` });
    await send(bench, { method: 'POST', path: DETAILS, headers: FORM, body: `api_key=${key}` });
    await send(bench, { path: `/2010-04-01/Accounts/${key}/nowhere.json` });
    expect(bench.logs.length).toBeGreaterThan(4);
    expect(bench.logs.join('')).not.toContain(key);
  });
});

describe('paths', () => {
  test.each(['/', '//', '///'])('begin with %s', async (slashes) => {
    const path = `${slashes}protected/json${slashes}app/details`;
    expect((await send(bench, { path, headers: { 'x-authy-api-key': key } })).status).toBe(200);
  });
  test.each(['?', '?&', '?user_ip=203.0.113.7', '/', '/?'])('end with %s', async (end) => {
    expect((await send(bench, { path: DETAILS + end, headers: { 'x-authy-api-key': key } })).status).toBe(200);
  });

  test.each([
    ['GET', '/protected/json/nowhere'],
    ['GET', '/protected/json'],
    ['GET', '/protected'],
    ['GET', '/onetouch/json/nowhere'],
    ['GET', '/dashboard/json/nowhere'],
    ['PUT', DETAILS],
    ['DELETE', DETAILS],
    ['GET', '/protected/yaml/app/details'],
  ])('%s %s leads nowhere', async (method, path) => {
    const { status, body } = await send(bench, { method, path, headers: { 'x-authy-api-key': key } });
    expect(status).toBe(404);
    expect(body).toMatchObject({ success: false, error_code: '60000', errors: { message: body.message } });
  });

  test('with a broken escape are refused with 60005', async () => {
    const { status, body } = await send(bench, {
      path: '/protected/json/users/%ff/status',
      headers: { 'x-authy-api-key': key },
    });
    expect([status, body.error_code]).toEqual([400, '60005']);
  });

  test('of XML are refused in JSON', async () => {
    const { status, headers, body } = await send(bench, { path: '/protected/xml/app/details' });
    expect([status, body.error_code]).toEqual([400, '60002']);
    expect(headers['content-type']).toBe('application/json;charset=utf-8');
  });
});

describe('replies', () => {
  test('are JSON whatever Accept says, compact and in ASCII', async () => {
    const tenant = await bench.addTenant('Zürcher Bänk 🏦');
    const { status, headers, text, body } = await send(bench, {
      path: DETAILS,
      headers: { 'x-authy-api-key': tenant.authyApiKey, accept: 'text/html, image/gif, */*; q=.2' },
    });
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json;charset=utf-8');
    expect(Number(headers['content-length'])).toBe(text.length);
    expect(text).toMatch(/^[\x20-\x7e]+$/);
    expect(text).not.toContain('": ');
    expect(body.app.name).toBe('Zürcher Bänk 🏦');
  });

  test('keep the rules of the other API: its hosts, its origins, no caching', async () => {
    const host = await send(bench, { path: DETAILS, headers: { 'x-authy-api-key': key, host: 'evil.example' } });
    expect([host.status, host.body.error_code]).toEqual([421, '60002']);
    const origin = await send(bench, {
      path: DETAILS,
      headers: { 'x-authy-api-key': key, origin: 'https://evil.example' },
    });
    expect([origin.status, origin.body.success]).toEqual([403, false]);
    const { headers } = await send(bench, { path: DETAILS, headers: { 'x-authy-api-key': key } });
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('bodies', () => {
  const post = (body: Buffer | string, headers: Record<string, string> = FORM) =>
    send(bench, { method: 'POST', path: DETAILS, headers: { 'x-authy-api-key': key, ...headers }, body });

  test('of more than 64 KiB are refused', async () => {
    const { status, body } = await post('a='.padEnd(64 * 1024 + 1, 'x'));
    expect([status, body.error_code]).toEqual([413, '60002']);
  });
  test('that are compressed are refused', async () => {
    const { status, body } = await post('a=1', { ...FORM, 'content-encoding': 'gzip' });
    expect([status, body.error_code]).toEqual([400, '60002']);
  });
  test.each(['null', '', '{}'])('of JSON may be %p', async (json) => {
    expect((await post(json, { 'content-type': 'application/json' })).status).toBe(200);
  });
  test('with a parameter twice in two shapes are refused', async () => {
    const { status, body } = await post('a=1&a[b]=2');
    expect([status, body.error_code]).toEqual([400, '60004']);
  });
});

/** What comes back for these bytes, until the server ends the connection. */
const converse = (bytes: string, piece = bytes.length) =>
  new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(bench.url);
    const socket = connect(Number(port), hostname);
    let reply = '';
    socket.setNoDelay(true);
    socket.on('data', (chunk) => (reply += chunk.toString('latin1')));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? undefined : reject(error)));
    socket.on('close', () => resolve(reply));
    for (let at = 0; at < bytes.length; at += piece) socket.write(bytes.slice(at, at + piece));
  });

test.each([1_000_000, 1_400])(
  'a megabyte of query is refused in JSON, written in pieces of %d bytes',
  async (piece) => {
    const reply = await converse(
      `GET ${DETAILS}?a=${'b'.repeat(1_000_000)} HTTP/1.1\r\nhost: ${new URL(bench.url).host}\r\n\r\n`,
      piece,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(reply.slice(reply.indexOf('\r\n\r\n') + 4))).toMatchObject({
      success: false,
      error_code: '60002',
    });
  },
);

test.each(['é', 'b c'])(
  'a query with %j as it is, which HTTP does not allow, is refused in JSON',
  async (character) => {
    const reply = await converse(`GET ${DETAILS}?a=${character} HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(reply.slice(reply.indexOf('\r\n\r\n') + 4))).toMatchObject({
      success: false,
      error_code: '60002',
    });
  },
);

test('a megabyte of query to the other API is refused as ever', async () => {
  expect(await converse(`GET /v1/users?a=${'b'.repeat(1_000_000)} HTTP/1.1\r\nhost: x\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 /,
  );
});

test('what is no HTTP is refused', async () => {
  expect(await converse('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
});
