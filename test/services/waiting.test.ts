import { describe, expect, test } from '@jest/globals';
import type { Notifications } from '../../db/notifications';
import { waitFor, watch } from '../../services/waiting';

/** Notifications by hand. */
function setup() {
  const listeners = new Set<() => void>();
  const notifications: Pick<Notifications, 'listen'> = {
    listen(_topic, wake) {
      listeners.add(wake);
      return () => listeners.delete(wake);
    },
  };
  return { notifications, listeners, notify: () => listeners.forEach((wake) => wake()) };
}

const topic = { kind: 'approval', id: 'a1' } as const;
const never = new AbortController().signal;

describe('a long poll', () => {
  test('answers what is done already, without waiting', async () => {
    const { notifications, listeners } = setup();
    const seen = await waitFor(notifications, topic, {
      read: async () => 'final',
      done: () => true,
      waitMs: 60_000,
      signal: never,
    });
    expect(seen).toBe('final');
    expect(listeners.size).toBe(0);
  });

  test('sees a change that came between its read and its wait', async () => {
    const { notifications, notify } = setup();
    let value = 0;
    const seen = await waitFor(notifications, topic, {
      read: async () => {
        const now = value;
        if (value === 0) {
          value = 1;
          notify();
        }
        return now;
      },
      done: (now) => now === 1,
      waitMs: 60_000,
      signal: never,
    });
    expect(seen).toBe(1);
  });

  test('answers the last sight when its time is over', async () => {
    const { notifications } = setup();
    const seen = await waitFor(notifications, topic, {
      read: async () => 'pending',
      done: () => false,
      waitMs: 5,
      signal: never,
    });
    expect(seen).toBe('pending');
  });

  test('looks by itself at a deadline that nobody announces', async () => {
    const { notifications } = setup();
    let looks = 0;
    const seen = await waitFor(notifications, topic, {
      read: async () => ++looks,
      lookAgainInMs: () => 1,
      done: (now) => now === 2,
      waitMs: 60_000,
      signal: never,
    });
    expect(seen).toBe(2);
  });

  test('ends when the caller has gone, and leaves nobody listening', async () => {
    const { notifications, listeners } = setup();
    const gone = new AbortController();
    const waiting = waitFor(notifications, topic, {
      read: async () => {
        gone.abort();
        return 'pending';
      },
      done: () => false,
      waitMs: 60_000,
      signal: gone.signal,
    });
    await expect(waiting).resolves.toBe('pending');
    expect(listeners.size).toBe(0);
  });
});

test('who stops watching is not listening any more', async () => {
  const { notifications, listeners } = setup();
  for await (const _ of watch(notifications, topic, { read: async () => 1, signal: never })) {
    expect(listeners.size).toBe(1);
    break;
  }
  expect(listeners.size).toBe(0);
});

test('a watch that nobody waits for any more has its first sight, and no other', async () => {
  const { notifications, listeners } = setup();
  const signal = AbortSignal.abort();
  const seen: string[] = [];
  for await (const now of watch(notifications, topic, { read: async () => 'pending', signal })) seen.push(now);
  expect(seen).toEqual(['pending']);
  expect(listeners.size).toBe(0);
});

test('a read that fails ends the watch with its error and without listeners', async () => {
  const { notifications, listeners } = setup();
  const watching = watch(notifications, topic, { read: () => Promise.reject(new Error('away')), signal: never });
  await expect(watching.next()).rejects.toThrow('away');
  expect(listeners.size).toBe(0);
});
