import { once } from 'node:events';
import { get } from 'node:http';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Balancer {
  /** Settles as soon as this process gets connections. */
  ready(port: number): Promise<void>;
  /** How many connections each process was given. */
  counts(): Record<number, number>;
  close(): Promise<void>;
}

const ASK_EVERY_MS = 100;
const ANSWER_WITHIN_MS = 1_000;

/**
 * A balancer of connections before processes on loopback: each in turn, and only those whose `/readyz` answers 200. It
 * repeats nothing and hides nothing: a connection that its process refuses or resets is reset.
 */
export async function startBalancer(port: number, behind: readonly number[]): Promise<Balancer> {
  const ready = new Set<number>();
  const given = new Map<number, number>();
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  const closing = new AbortController();
  let turn = 0;

  async function follow(target: number): Promise<void> {
    while (!closing.signal.aborted) {
      if (await isReady(target)) ready.add(target);
      else ready.delete(target);
      waiting.forEach((look) => look());
      await delay(ASK_EVERY_MS, undefined, { signal: closing.signal }).catch(() => {});
    }
  }

  const server = createServer((client) => {
    const targets = behind.filter((each) => ready.has(each));
    const target = targets[turn++ % targets.length];
    if (target === undefined) return void client.resetAndDestroy();
    given.set(target, (given.get(target) ?? 0) + 1);
    const upstream = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket.setNoDelay(true));
      socket.pipe(other);
      socket.once('error', () => other.resetAndDestroy());
      socket.once('close', () => sockets.delete(socket));
    }
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const following = behind.map(follow);

  return {
    ready: (target) =>
      new Promise((resolve) => {
        const look = () => {
          if (!ready.has(target)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    counts: () => Object.fromEntries(given),
    async close() {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      sockets.forEach((socket) => socket.destroy());
      await Promise.all([closed, ...following]);
    },
  };
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const question = get({ port, host: '127.0.0.1', path: '/readyz', agent: false, timeout: ANSWER_WITHIN_MS });
    question.once('response', (reply) => resolve(reply.resume().statusCode === 200));
    question.once('timeout', () => question.destroy(new Error('no answer')));
    question.once('error', () => resolve(false));
  });
}
