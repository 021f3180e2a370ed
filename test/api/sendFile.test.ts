import { afterEach, expect, test } from '@jest/globals';
import express from 'express';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { sendFile } from '../../api/sendFile';

const PART = 'x'.repeat(64 * 1024);
let servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers) server.close().closeAllConnections();
  servers = [];
});

/** A server with one endless file; tells how many parts were read of it, and how its reply ended. */
async function setup(stalledMs?: number) {
  const seen = { parts: 0 };
  const stop = new AbortController();
  async function* endless() {
    for (;;) {
      seen.parts += 1;
      yield PART;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const app = express();
  const ended = new Promise<{ whole: boolean }>((resolve) => {
    app.get('/', async (_req, res) => {
      const gone = AbortSignal.any([stop.signal]);
      res.once('close', () => resolve({ whole: res.writableFinished }));
      res.once('close', () => stop.abort());
      const head = () => res.writeHead(200, { 'content-type': 'text/plain' });
      await sendFile(res, { head, parts: endless(), gone, ...(stalledMs !== undefined && { stalledMs }) });
    });
  });
  const server = http.createServer(app).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, seen, ended, stop };
}

test('a caller that stops reading fills no memory, and is given up', async () => {
  const { port, seen, ended } = await setup(500);
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  socket.pause();
  expect(await ended).toEqual({ whole: false });
  // What the two sockets hold in the system (a few megabytes here), and one part in this process.
  expect(seen.parts).toBeLessThan(400);
  socket.destroy();
});

test('a caller that goes away ends the reading', async () => {
  const { port, seen, ended } = await setup();
  const socket = net.connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
  expect(await ended).toEqual({ whole: false });
  const { parts } = seen;
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen.parts - parts).toBeLessThanOrEqual(1);
});

test('a server that stops breaks the file off, so that nobody takes it for the whole', async () => {
  const { port, ended, stop } = await setup();
  const response = await fetch(`http://127.0.0.1:${port}/`);
  stop.abort();
  await expect(response.text()).rejects.toThrow('terminated');
  expect(await ended).toEqual({ whole: false });
});

test('HEAD gets the headers, and reads one part at most', async () => {
  const { port, seen } = await setup();
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' });
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    200,
    'text/plain',
    '',
  ]);
  expect(seen.parts).toBeLessThanOrEqual(1);
});
