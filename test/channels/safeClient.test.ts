import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { createSafeClient } from '../../channels/http/safeClient';
import type { Lookup, SafeClientOptions } from '../../channels/http/safeClient';

const SECRET = 'secret-in-the-query';
const request = { headers: { 'content-type': 'application/json' }, body: '{"secret":"in-the-body"}' };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function setupClient(options: Partial<SafeClientOptions> = {}) {
  const client = createSafeClient({ allowPrivate: true, timeoutMs: 5_000, maxResponseBytes: 1_000, ...options });
  cleanups.push(() => client.close());
  return client;
}

async function listen(server: Server, protocol: string, host = 'localhost'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  if ('closeAllConnections' in server)
    cleanups.push(() => (server as ReturnType<typeof createServer>).closeAllConnections());
  return `${protocol}://${host}:${(server.address() as AddressInfo).port}/hook?token=${SECRET}`;
}

const serve = (listener: RequestListener) => listen(createServer(listener), 'http');

/** A name server that gives these addresses for every name. */
const resolvingTo =
  (...addresses: string[]): Lookup =>
  (_name, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

describe('a reply', () => {
  test('brings back status, headers and body of what was sent', async () => {
    const seen: unknown[] = [];
    const url = await serve((req, res) => {
      req.setEncoding('utf8').on('data', (body) => seen.push(req.method, req.url, req.headers['content-type'], body));
      req.on('end', () => res.writeHead(201, { 'Retry-After': '7' }).end('thanks'));
    });
    const reply = await setupClient().post(url, request);
    expect(reply).toMatchObject({ status: 201, body: 'thanks', truncated: false, headers: { 'retry-after': '7' } });
    expect(seen).toEqual(['POST', `/hook?token=${SECRET}`, 'application/json', request.body]);
  });

  test('to a GET, whose query may be longer than a URL that we keep', async () => {
    const seen: unknown[] = [];
    const url = (
      await serve((req, res) => {
        seen.push(
          req.method,
          req.url,
          req.rawHeaders.filter((name) => /^x-/i.test(name)),
        );
        res.writeHead(204).end();
      })
    ).replace(/\?.*/, '');
    const query = `a=${'b'.repeat(4_000)}`;
    expect(await setupClient().get(url, { headers: { 'X-Mixed-Case': '1' }, query })).toMatchObject({ status: 204 });
    expect(seen).toEqual(['GET', `/hook?${query}`, ['X-Mixed-Case']]);
  });

  test('that redirects is given back and not followed', async () => {
    const paths: (string | undefined)[] = [];
    const url = await serve((req, res) => {
      paths.push(req.url);
      res.writeHead(307, { location: '/elsewhere' }).end();
    });
    await expect(setupClient().post(url, request)).resolves.toMatchObject({ status: 307 });
    expect(paths).toEqual([`/hook?token=${SECRET}`]);
  });

  test('of 500 is a reply', async () => {
    const url = await serve((_req, res) => res.writeHead(500).end('oh'));
    await expect(setupClient().post(url, request)).resolves.toMatchObject({ status: 500, body: 'oh' });
  });

  test('without end is cut at the limit', async () => {
    let hungUp: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (hungUp = resolve));
    const url = await serve((_req, res) => {
      const pour = (): void => {
        while (!res.destroyed && res.write('x'.repeat(10_000)));
      };
      res.on('drain', pour).on('close', () => hungUp());
      pour();
    });
    const reply = await setupClient().post(url, request);
    expect(reply).toMatchObject({ status: 200, truncated: true, body: 'x'.repeat(1_000) });
    await gone; // we have hung up, and not merely stopped listening
  });

  test('of exactly the limit is whole', async () => {
    const url = await serve((_req, res) => res.end('x'.repeat(1_000)));
    await expect(setupClient().post(url, request)).resolves.toMatchObject({ truncated: false });
  });
});

describe('no reply', () => {
  test('when nothing comes in time', async () => {
    const url = await serve(() => undefined);
    await expect(setupClient({ timeoutMs: 50 }).post(url, request)).rejects.toMatchObject({ reason: 'timeout' });
  });

  test('when the body comes a byte at a time for ever', async () => {
    const url = await serve((_req, res) => {
      const timer = setInterval(() => res.write('.'), 10);
      res.on('close', () => clearInterval(timer));
    });
    await expect(setupClient({ timeoutMs: 100 }).post(url, request)).rejects.toMatchObject({ reason: 'timeout' });
  });

  test('when the name server is silent', async () => {
    const client = setupClient({ timeoutMs: 50, lookup: () => undefined });
    await expect(client.post('http://silent.test/', request)).rejects.toMatchObject({ reason: 'timeout' });
  });

  test('when the caller gives up while the name server is silent', async () => {
    const controller = new AbortController();
    const client = setupClient({ timeoutMs: 60_000, lookup: () => controller.abort() });
    const call = client.post('http://silent.test/', { ...request, signal: controller.signal });
    await expect(call).rejects.toMatchObject({ reason: 'aborted' });
  });

  test('when the client is closed', async () => {
    const started = setupClient({ timeoutMs: 60_000 });
    const url = await serve(() => void started.close());
    await expect(started.post(url, request)).rejects.toMatchObject({ reason: 'aborted' });
  });

  test('when the connection is reset', async () => {
    const url = await serve((req) => req.socket.resetAndDestroy());
    await expect(setupClient().post(url, request)).rejects.toMatchObject({ reason: 'connection_lost' });
  });

  test('when the connection ends in the middle of the body', async () => {
    const url = await serve((_req, res) => {
      res.writeHead(200, { 'content-length': '100' }).write('only this', () => res.destroy());
    });
    await expect(setupClient().post(url, request)).rejects.toMatchObject({ reason: 'connection_lost' });
  });

  test('when nobody listens', async () => {
    const url = await serve(() => undefined);
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await expect(setupClient().post(url, request)).rejects.toMatchObject({ reason: 'connection_refused' });
  });

  test('when the name does not exist', async () => {
    const lookup: Lookup = (_name, _options, callback) =>
      callback(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }), []);
    await expect(setupClient({ lookup }).post('http://nowhere.test/', request)).rejects.toMatchObject({
      reason: 'name_not_found',
    });
  });

  test('when the caller gives up, before or during', async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort());
    const client = setupClient();
    const during = client.post(url, { ...request, signal: controller.signal });
    await expect(during).rejects.toMatchObject({ reason: 'aborted' });
    await expect(client.post(url, { ...request, signal: controller.signal })).rejects.toMatchObject({
      reason: 'aborted',
    });
  });

  test('when the other side does not speak HTTP, and its words stay out of the error', async () => {
    const url = await serve((req) => void req.socket.end(`SSH-2.0 ${SECRET}\r\n\r\n`));
    const error: unknown = await setupClient()
      .post(url, request)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ reason: 'protocol_error' });
    expect(inspected(error)).not.toContain(SECRET);
  });

  test.each(['timeout', 'connection_refused', 'url_refused'])(
    '%s tells nothing of the URL or the body',
    async (reason) => {
      const url = await serve(() => undefined);
      if (reason === 'connection_refused') for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      const client = setupClient({
        timeoutMs: reason === 'timeout' ? 50 : 5_000,
        allowPrivate: reason !== 'url_refused',
      });
      const error: unknown = await client.post(url, request).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ reason });
      expect(inspected(error)).not.toMatch(/secret/);
    },
  );
});

describe('in production', () => {
  const production = (lookup?: Lookup) => setupClient({ allowPrivate: false, ...(lookup && { lookup }) });

  test.each([
    'http://example.com/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://0x7f.1/',
    'https://10.1.2.3:8443/',
  ])('%s is refused before anything is sent', async (url) => {
    const lookup: Lookup = () => {
      throw new Error('nothing may be looked up');
    };
    await expect(production(lookup).post(url, request)).rejects.toMatchObject({ reason: 'url_refused' });
  });

  test.each([
    ['loopback', ['127.0.0.1']],
    ['loopback of IPv6', ['::1']],
    ['loopback as IPv6', ['::ffff:127.0.0.1']],
    ['loopback as IPv6 in hexadecimal', ['::ffff:7f00:1']],
    ['a private network', ['10.0.0.1']],
    ['the metadata service of a cloud', ['169.254.169.254']],
    ['a public address and a private one', ['8.8.8.8', '192.168.1.1']],
  ])('a name that resolves to %s is refused when connecting', async (_what, addresses) => {
    let connections = 0;
    const server = createServer().on('connection', () => connections++);
    const { port } = new URL(await listen(server, 'https'));
    const client = production(resolvingTo(...addresses));
    await expect(client.post(`https://innocent.test:${port}/`, request)).rejects.toMatchObject({
      reason: 'address_refused',
    });
    expect(connections).toBe(0);
  });

  test('a name that has changed its mind since the last call is refused', async () => {
    const answers = ['8.8.8.8', '127.0.0.1'];
    const asked: Lookup = (name, options, callback) => resolvingTo(answers.shift() ?? '')(name, options, callback);
    // The first, public, answer is replaced by a failure: no test leaves this machine.
    const lookup: Lookup = (name, options, callback) =>
      asked(name, options, (error, addresses) =>
        addresses[0]?.address === '8.8.8.8'
          ? callback(Object.assign(new Error('away'), { code: 'EAI_AGAIN' }), [])
          : callback(error, addresses),
      );
    const client = production(lookup);
    await expect(client.post('https://fickle.test/', request)).rejects.toMatchObject({ reason: 'name_not_found' });
    await expect(client.post('https://fickle.test/', request)).rejects.toMatchObject({ reason: 'address_refused' });
  });
});

describe('https', () => {
  async function setupTls(name: string) {
    const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
      keyType: 'ec',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
    });
    return {
      ca: cert,
      url: await listen(
        createTlsServer({ cert, key }, (_req, res) => res.end('sealed')),
        'https',
      ),
    };
  }

  test('is spoken with a certificate of the right name', async () => {
    const { ca, url } = await setupTls('localhost');
    await expect(setupClient({ ca }).post(url, request)).resolves.toMatchObject({ status: 200, body: 'sealed' });
  });

  test('is refused with a certificate that nobody vouches for', async () => {
    const { url } = await setupTls('localhost');
    await expect(setupClient().post(url, request)).rejects.toMatchObject({ reason: 'tls_failed' });
  });

  test('is refused with a certificate of another name', async () => {
    const { ca, url } = await setupTls('somebody-else.test');
    await expect(setupClient({ ca }).post(url, request)).rejects.toMatchObject({ reason: 'tls_failed' });
  });

  test('is refused where the other side speaks plain http', async () => {
    const url = (await serve((_req, res) => res.end())).replace('http:', 'https:');
    await expect(setupClient().post(url, request)).rejects.toMatchObject({ reason: 'tls_failed' });
  });
});

/** All that a logger could find in an error. */
function inspected(error: unknown): string {
  const seen = error as Error;
  return JSON.stringify([seen, Object.getOwnPropertyNames(seen).map((name) => seen[name as keyof Error]), seen.cause]);
}
