import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { startH2cProxy } from './h2cProxy';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test('a call, its answer and its trailers pass unchanged', async () => {
  const { ask } = await setup();
  expect(await ask('Greet', 'hello')).toEqual({
    body: 'Greet: hello',
    trailers: { 'grpc-status': '0' },
    heading: 'yes',
  });
});

test('an answer that is only headers passes', async () => {
  const { ask } = await setup();
  expect(await ask('Refuse', '')).toEqual({ body: '', trailers: undefined, heading: '5' });
});

test('stopped before, the server has not heard of the call while others pass', async () => {
  const { ask, proxy, heard } = await setup();
  const stop = proxy.stopAt((call) => call.name === 'Greet', 'before');
  const held = ask('Greet', 'one');
  expect((await stop.arrived).body.toString()).toBe('one');
  await ask('Greet', 'two');
  expect(heard).toEqual(['two']);
  stop.release();
  expect((await held).body).toBe('Greet: one');
});

test('stopped after, the server has answered and the client does not know', async () => {
  const { ask, proxy, heard } = await setup();
  const stop = proxy.stopAt((call) => call.name === 'Greet', 'after');
  let answered = false;
  const held = ask('Greet', 'one').finally(() => (answered = true));
  await stop.arrived;
  expect(heard).toEqual(['one']);
  await ask('Greet', 'two');
  expect(answered).toBe(false);
  stop.release();
  expect((await held).body).toBe('Greet: one');
});

test('a dropped call breaks its connection and never reaches the server', async () => {
  const { ask, proxy, heard } = await setup();
  const stop = proxy.stopAt((call) => call.name === 'Greet', 'before');
  const held = ask('Greet', 'one');
  await stop.arrived;
  stop.drop();
  await expect(held).rejects.toThrow();
  expect(heard).toEqual([]);
});

test('a stop that is released before anything came holds nothing', async () => {
  const { ask, proxy } = await setup();
  proxy.stopAt(() => true, 'before').release();
  expect((await ask('Greet', 'one')).body).toBe('Greet: one');
});

test('calls are counted by name', async () => {
  const { ask, proxy } = await setup();
  await ask('Greet', '');
  await ask('Greet', '');
  await ask('Refuse', '');
  expect(proxy.counts()).toEqual({ Greet: 2, Refuse: 1 });
});

test('while refusing, new connections end; afterwards they pass', async () => {
  const { proxy, open, askOn } = await setup();
  proxy.refuse(true);
  const session = open();
  await once(session, 'close');
  proxy.refuse(false);
  expect((await askOn(open(), 'Greet', 'again')).body).toBe('Greet: again');
});

test('cutting ends every connection', async () => {
  const { ask, proxy, session } = await setup();
  await ask('Greet', '');
  proxy.cutAll();
  await once(session, 'close');
});

test('a server that dies takes the connection with it', async () => {
  const { ask, session, serverSessions } = await setup();
  await ask('Greet', '');
  for (const one of serverSessions) one.destroy();
  await once(session, 'close');
});

test('a call that the client gives up is taken back from the server', async () => {
  const { session, waitingClosed, waitingHeard } = await setup();
  const stream = session.request({ ':path': '/test/Wait', ':method': 'POST' });
  stream.on('error', () => undefined);
  stream.end();
  await waitingHeard;
  stream.close(8);
  await waitingClosed;
});

async function setup() {
  const heard: string[] = [];
  const serverSessions = new Set<{ destroy(): void }>();
  let closed!: () => void;
  let waiting!: () => void;
  const waitingClosed = new Promise<void>((resolve) => (closed = resolve));
  const waitingHeard = new Promise<void>((resolve) => (waiting = resolve));

  const server = createServer();
  server.on('session', (session) => serverSessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const name = String(headers[':path']).split('/').pop()!;
    if (name === 'Wait') {
      stream.once('close', closed);
      return waiting();
    }
    if (name === 'Refuse') return stream.respond({ ':status': 200, heading: '5' }, { endStream: true });
    void text(stream).then((body) => {
      heard.push(body);
      stream.respond({ ':status': 200, heading: 'yes' }, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(`${name}: ${body}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startH2cProxy((server.address() as AddressInfo).port);
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  cleanups.push(() => proxy.close());

  const open = () => {
    const session = connect(`http://127.0.0.1:${proxy.port}`);
    session.on('error', () => undefined);
    cleanups.push(() => session.destroy());
    return session;
  };
  const session = open();
  return {
    heard,
    proxy,
    open,
    session,
    serverSessions,
    waitingClosed,
    waitingHeard,
    askOn,
    ask: (name: string, body: string) => askOn(session, name, body),
  };
}

async function askOn(session: ClientHttp2Session, name: string, body: string) {
  const stream = session.request({ ':path': `/test/${name}`, ':method': 'POST' });
  let trailers: string | undefined;
  let heading: unknown;
  stream.once('response', (headers: IncomingHttpHeaders) => (heading = headers['heading']));
  stream.once('trailers', (told: IncomingHttpHeaders) => (trailers = String(told['grpc-status'])));
  stream.end(body);
  const answer = await text(stream);
  if (heading === undefined) throw new Error('no answer');
  return { body: answer, trailers: trailers && { 'grpc-status': trailers }, heading };
}
