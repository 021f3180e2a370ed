import { expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { waitFor, watch } from '../../services/waiting';

const TOPIC = { kind: 'approval', id: 'a' } as const;

/** Something that is read, and a bell that says when. Each read takes the next of what it is given; then the last again. */
function setup(...reads: (string | Error)[]) {
  const bell = new EventEmitter();
  const log: string[] = [];
  return {
    log,
    ring: () => bell.emit('wake'),
    notifications: {
      listen(_topic: object, wake: () => void) {
        bell.on('wake', wake);
        return () => void bell.off('wake', wake);
      },
      close: async () => {},
    },
    async read(): Promise<string> {
      const next = (reads.length > 1 ? reads.shift() : reads[0])!;
      log.push(String(next));
      // Told only once the reader listens again.
      setImmediate(() => bell.emit('wake'));
      if (next instanceof Error) throw next;
      return next;
    },
  };
}

const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const { signal } = new AbortController();

test('what was never seen is not waited for', async () => {
  const { notifications, read } = setup(away, 'pending');
  await expect(waitFor(notifications, TOPIC, { read, signal, waitMs: 5_000, done: () => true })).rejects.toBe(away);
});

test('whoever has seen something goes on waiting while the database is away', async () => {
  const { notifications, read } = setup('pending', away, away, 'approved');
  const seen: string[] = [];
  for await (const each of watch(notifications, TOPIC, { read, signal })) {
    seen.push(each);
    if (each === 'approved') break;
  }
  expect(seen).toEqual(['pending', 'approved']);
});

test('when it is still away at the end, nobody is told what was once true', async () => {
  const { notifications, read, log } = setup('pending', away);
  await expect(
    waitFor(notifications, TOPIC, { read, signal, waitMs: 100, done: (seen) => seen !== 'pending' }),
  ).rejects.toBe(away);
  expect(log[0]).toBe('pending');
});

test('a mistake of ours ends the waiting at once', async () => {
  const mistake = new TypeError('no such thing');
  const { notifications, read } = setup('pending', mistake);
  await expect(
    waitFor(notifications, TOPIC, { read, signal, waitMs: 5_000, done: (seen) => seen !== 'pending' }),
  ).rejects.toBe(mistake);
});
