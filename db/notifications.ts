import { EventEmitter } from 'node:events';
import { Client } from 'pg';
import { CHANNEL } from './events';
import type { Topic } from './events';

/** Says when something that somebody waits for may have changed; what changed is read from the rows. */
export interface Notifications {
  /** Calls `wake` at each change of the topic, and whenever notifications may have been lost. Ends by the returned function. */
  listen(topic: Topic, wake: () => void): () => void;
  /** Calls `wake` at each change of any topic of a kind, with its id. Lost ones are not made up for. */
  listenToAll(kind: Topic['kind'], wake: (id: string) => void): () => void;
  close(): Promise<void>;
}

const RECONNECT_MS = 1_000;

/** One listening connection for the whole process; LISTEN needs a direct one, not a pooled one. */
export function createNotifications(databaseUrl: string): Notifications & { waiting: () => number } {
  const topics = new EventEmitter().setMaxListeners(0);
  const everybody = new EventEmitter().setMaxListeners(0);
  let client: Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  async function connect(): Promise<void> {
    const fresh = new Client({
      connectionString: databaseUrl,
      application_name: 'countersign notifications',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
    });
    const lost = () => {
      fresh.removeAllListeners('end');
      if (closed || client !== fresh) return;
      client = undefined;
      retry = setTimeout(() => void connect(), RECONNECT_MS);
    };
    client = fresh;
    fresh.on('error', lost);
    fresh.on('end', lost);
    fresh.on('notification', ({ payload = '' }) => {
      topics.emit(payload);
      const colon = payload.indexOf(':');
      topics.emit(`${payload.slice(0, colon)}:*`, payload.slice(colon + 1));
    });
    try {
      await fresh.connect();
      await fresh.query(`listen ${CHANNEL}`);
      everybody.emit('wake'); // what was notified in between is lost
    } catch {
      lost();
      await fresh.end().catch(() => {});
    }
  }
  void connect();

  return {
    listen({ kind, id }, wake) {
      const name = `${kind}:${id}`;
      topics.on(name, wake);
      everybody.on('wake', wake);
      return () => {
        topics.off(name, wake);
        everybody.off('wake', wake);
      };
    },
    listenToAll(kind, wake) {
      topics.on(`${kind}:*`, wake);
      return () => topics.off(`${kind}:*`, wake);
    },
    /** How many wait at this moment. */
    waiting: () => everybody.listenerCount('wake'),
    async close() {
      closed = true;
      clearTimeout(retry);
      await client?.end().catch(() => {});
    },
  };
}
