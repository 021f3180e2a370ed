import type { Topic } from '../db/events';
import type { Notifications } from '../db/notifications';
import { isDatabaseAway } from '../db/violations';

/** Notifications can be lost with their connection, so waiters also look by themselves this often. */
const LOOK_AGAIN_MS = 5_000;
/** While the database is away: soon, but not all of them at once without end. */
const TRY_AGAIN_MS = 1_000;

/** Looks at something again and again, as often as it may have changed. */
export interface Watch<T> {
  read: () => Promise<T>;
  /** At the latest after this many ms it is worth another look: a deadline, say. */
  lookAgainInMs?: (seen: T) => number;
  signal: AbortSignal;
}

/**
 * What `read` sees now, and anew whenever the topic may have changed; ends by itself when `signal` aborts, but not before
 * the first sight: a server that stops answers with what there is. No connection is held in between. Whoever has seen
 * something goes on waiting while the database is away.
 * @throws what the last read threw, when it was still away at the end
 */
export async function* watch<T>(
  notifications: Pick<Notifications, 'listen'>,
  topic: Topic,
  watched: Watch<T>,
): AsyncGenerator<T> {
  const { read, lookAgainInMs, signal } = watched;
  // A change between a read and the next wait has to be seen: the flag keeps it.
  let changed = false;
  let wake = () => {};
  let hasSeen = false;
  let away: unknown;
  const stop = notifications.listen(topic, () => {
    changed = true;
    wake();
  });
  const abort = () => wake();
  signal.addEventListener('abort', abort);
  try {
    do {
      changed = false;
      let pause = TRY_AGAIN_MS;
      try {
        const seen = await read();
        [hasSeen, away] = [true, undefined];
        pause = Math.max(1, Math.min(lookAgainInMs?.(seen) ?? LOOK_AGAIN_MS, LOOK_AGAIN_MS));
        yield seen;
      } catch (error) {
        if (!hasSeen || !isDatabaseAway(error)) throw error;
        away = error;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (changed || signal.aborted) wake();
      });
    } while (!signal.aborted);
    if (away !== undefined) throw away as Error;
  } finally {
    signal.removeEventListener('abort', abort);
    stop();
  }
}

/** The same, but only at changes of what `view` makes of it; ends with the first sight that is `done`. */
export async function* changes<T>(
  notifications: Pick<Notifications, 'listen'>,
  topic: Topic,
  { view, done, ...watched }: Watch<T> & { view: (seen: T) => unknown; done: (seen: T) => boolean },
): AsyncGenerator<T> {
  let last: string | undefined;
  for await (const seen of watch(notifications, topic, watched)) {
    const now = JSON.stringify(view(seen));
    if (now !== last) yield seen;
    last = now;
    if (done(seen)) return;
  }
}

/** A long poll: the first sight that is `done`, or the last one when the time is over. */
export async function waitFor<T>(
  notifications: Pick<Notifications, 'listen'>,
  topic: Topic,
  { waitMs, done, signal, ...watched }: Watch<T> & { waitMs: number; done: (seen: T) => boolean },
): Promise<T> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, waitMs))]);
  let last!: T; // there is at least one
  for await (last of watch(notifications, topic, { ...watched, signal: over })) if (done(last)) break;
  return last;
}
