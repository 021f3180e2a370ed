import { afterEach, expect, test } from '@jest/globals';
import { defaultDataConverter } from '@temporalio/common';
import type { NativeConnection, NativeConnectionOptions } from '@temporalio/worker';
import { createTemporalLink } from '../../platform/temporal/connection';
import type { TemporalLink, TemporalLinkOptions } from '../../platform/temporal/connection';

const links: TemporalLink[] = [];
afterEach(() => Promise.all(links.splice(0).map((link) => link.close())));

/** A server of which the test says how it is, and a list of what was logged that can be waited for. */
function setup(options: Partial<TemporalLinkOptions> & { address?: string } = {}) {
  const server = { accepts: true, answer: () => Promise.resolve({}) };
  const asked: NativeConnectionOptions[] = [];
  const logged: string[] = [];
  const waiting = new Set<() => void>();
  const note = (_context: unknown, sentence?: string) => {
    logged.push(sentence ?? String(_context));
    for (const look of waiting) look();
  };
  const closed: number[] = [];
  const connection = {
    plugins: [],
    workflowService: { getSystemInfo: () => server.answer() },
    withDeadline: (_deadline: number, call: () => Promise<unknown>) => call(),
    close: async () => void closed.push(1),
  } as unknown as NativeConnection;
  const link = createTemporalLink({
    config: { temporal: { namespace: 'ns', connection: { address: options.address ?? 'temporal.example:7233' } } },
    dataConverter: defaultDataConverter,
    logger: { info: note, warn: note, error: note },
    pace: { retryMs: 1, probeEveryMs: 1, probePatienceMs: 5 },
    connect: async (given) => {
      asked.push(given);
      if (!server.accepts) throw new Error('refused');
      return connection;
    },
    ...options,
  });
  links.push(link);
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { link, server, asked, logged, closed, connection, until };
}

test('before the first connection there is no client, and nobody waits', async () => {
  const { link } = setup({ connect: () => new Promise(() => undefined) });
  expect(link.state()).toBe('connecting');
  expect(link.client()).toBeUndefined();
});

test('it goes on trying until the server is there, and complains once', async () => {
  let attempts = 0;
  const { link, logged, connection } = setup({
    connect: async () => {
      attempts += 1;
      if (attempts < 4) throw new Error('refused');
      return connection;
    },
  });
  await expect(link.connection()).resolves.toBe(connection);
  expect(link.state()).toBe('up');
  expect(link.client()?.options.namespace).toBe('ns');
  expect(logged).toEqual(['temporal cannot be reached, trying on', 'temporal is up']);
});

test('a server that refuses is away, and up again when it answers', async () => {
  const ups: NativeConnection[] = [];
  const { link, server, logged, connection, until } = setup({ onUp: (up) => void ups.push(up) });
  await link.connection();
  server.answer = () => Promise.reject(new Error('unavailable'));
  await until(() => logged.includes('temporal is away'));
  expect(link.state()).toBe('away');
  server.answer = () => Promise.resolve({});
  await until(() => logged.at(-1) === 'temporal is up');
  expect(link.state()).toBe('up');
  expect(ups).toEqual([connection, connection]);
  expect(logged).toEqual(['temporal is up', 'temporal is away', 'temporal is up']);
});

test('a server that keeps silent is away before the call has failed', async () => {
  const { link, server, logged, until } = setup();
  await link.connection();
  server.answer = () => new Promise(() => undefined);
  await until(() => logged.includes('temporal is away'));
  expect(link.state()).toBe('away');
});

test('what fails when the server is up is logged and breaks nothing', async () => {
  const sentence = 'what was to be done when temporal is up has failed';
  const { link, logged, until } = setup({ onUp: () => Promise.reject(new Error('no')) });
  await until(() => logged.includes(sentence));
  expect(link.state()).toBe('up');
});

test('what fails when the server is up is tried again until it succeeds, and complained about once', async () => {
  let attempts = 0;
  let done = () => {};
  const succeeded = new Promise<void>((resolve) => (done = resolve));
  const { logged } = setup({
    async onUp() {
      attempts += 1;
      if (attempts < 4) throw new Error('not yet');
      done();
    },
  });
  await succeeded;
  expect(attempts).toBe(4);
  expect(logged).toEqual(['temporal is up', 'what was to be done when temporal is up has failed']);
});

test('closing while connecting tells those who wait, and closes what arrives late', async () => {
  let arrive: () => void = () => undefined;
  const { link, connection, closed } = setup({
    connect: () => new Promise((resolve) => (arrive = () => resolve(connection))),
  });
  const waiting = link.connection();
  await link.close();
  await expect(waiting).rejects.toThrow();
  expect(closed).toHaveLength(0);
  arrive();
  await new Promise(setImmediate);
  expect(closed).toHaveLength(1);
  expect(link.client()).toBeUndefined();
});

test('closing closes the connection once', async () => {
  const { link, closed } = setup();
  await link.connection();
  await link.close();
  await link.close();
  expect(closed).toHaveLength(1);
});

test.each([
  ['127.0.0.1:7233', { codec: 'none' }],
  ['localhost:7233', { codec: 'none' }],
  ['[::1]:7233', { codec: 'none' }],
  ['localhost.example:7233', undefined],
  ['temporal.example:7233', undefined],
])('to %s the compression is %j', async (address, grpcCompression) => {
  const { link, asked } = setup({ address });
  await link.connection();
  expect(asked[0]?.grpcCompression).toEqual(grpcCompression);
});
