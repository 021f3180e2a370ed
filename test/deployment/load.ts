import { randomUUID } from 'node:crypto';
import { createDevice } from '../../sdk/device';
import type { TestUser } from '../support/phone';
import { callerOf } from '../support/program';
import { createClient } from './client';

export interface LoadOptions {
  url: string;
  apiKey: string;
  /** Each is asked for one approval after the other. */
  users: readonly TestUser[];
  callbackUrl: string;
}

/** What callers have seen so far. */
export interface Log {
  answered: number;
  /** The requests that got no whole reply, or one that is the server's fault. */
  failed: string[];
  /** Replies that were not what they had to be. */
  wrong: string[];
  /** What was asked for, under a key, whether that was answered or not. */
  asked: { body: object; headers: { 'idempotency-key': string } }[];
  /** The approvals whose creation was answered. */
  accepted: string[];
  /** The approvals that were seen decided. */
  decided: string[];
  /** From the reply to the phone to the last of those who waited for the decision, in ms. */
  toldAfterMs: number[];
}

export interface Load extends Log {
  /** Resolves when this many more are decided, or nobody goes on. */
  more(count: number): Promise<void>;
  /** Lets everybody end what has begun. */
  stop(): Promise<void>;
}

/** Back ends that ask people for approval, one after the other. Where something fails, nobody tries again. */
export function startLoad({ users, ...options }: LoadOptions): Load {
  const log: Log = { answered: 0, failed: [], wrong: [], asked: [], accepted: [], decided: [], toldAfterMs: [] };
  const waiting = new Set<() => void>();
  const look = () => waiting.forEach((each) => each());
  let going = users.length;
  let stopping = false;

  async function ask(user: TestUser): Promise<void> {
    const { round, close } = createAsker(options, user, log);
    try {
      while (!stopping) {
        await round();
        look();
      }
    } catch (error) {
      if (log.failed.length === 0) log.wrong.push(String(error));
    } finally {
      await close();
      going -= 1;
      look();
    }
  }

  const done = Promise.all(users.map(ask));
  return Object.assign(log, {
    more(count: number) {
      const enough = log.decided.length + count;
      return new Promise<void>((resolve) => {
        const check = () => {
          if (log.decided.length < enough && going > 0) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      });
    },
    async stop() {
      stopping = true;
      await done;
    },
  });
}

/**
 * One person and those who ask: each approval is created twice under one key, waited for by long poll and by stream, and
 * approved on the phone. Some keep their connection, some take a new one for each request.
 */
function createAsker({ url, apiKey, callbackUrl }: Omit<LoadOptions, 'users'>, user: TestUser, log: Log) {
  const clients = [true, true, true, false].map((keepAlive) => createClient(log, { keepAlive }));
  const [first, second, third, fresh] = clients.map((client) => client.fetch) as [F, F, F, F];
  const [create, repeat, wait] = [first, second, fresh].map((send) => callerOf(url, apiKey, send)) as [C, C, C];
  const { key, device } = user.devices[0]!;
  const phone = createDevice({ baseUrl: url, key, identity: device.identity!, fetch: third, retries: 0 });

  async function untilDecided(id: string): Promise<void> {
    let reply: Awaited<ReturnType<C>>;
    do reply = await wait('GET', `/v1/approvals/${id}?wait=30`);
    while (reply.body.status === 'pending'); // the server stops, and another one goes on
    if (reply.body.status !== 'approved') log.wrong.push(`${id} polled: ${reply.text}`);
  }

  async function untilStreamed(id: string): Promise<void> {
    let text: string;
    do ({ text } = await wait('GET', `/v1/approvals/${id}/stream`));
    while (/^event: approval\n/.test(text) && !text.includes('"status":"approved"'));
    if (!text.includes('"status":"approved"')) log.wrong.push(`${id} streamed: ${text}`);
  }

  /** When the phone's answer was replied to. */
  async function approve(id: string): Promise<number> {
    const { approvals } = await phone.inbox();
    await phone.answer(
      approvals.find((each) => each.id === id)!,
      'approved',
    );
    return performance.now();
  }

  return {
    async round(): Promise<void> {
      const headers = { 'idempotency-key': randomUUID() };
      const body = { userId: user.id, title: 'Log in', callbackUrl };
      log.asked.push({ body, headers });
      const made = await create('POST', '/v1/approvals', body, headers);
      const id = made.body.id as string;
      log.accepted.push(id);
      const again = await repeat('POST', '/v1/approvals', body, headers);
      if (again.body.id !== id) log.wrong.push(`${id} again: ${again.status} ${again.text}`);
      const [answeredMs] = await Promise.all([approve(id), untilDecided(id), untilStreamed(id)]);
      log.toldAfterMs.push(performance.now() - answeredMs);
      log.decided.push(id);
    },
    close: () => Promise.all(clients.map((client) => client.close())),
  };
}
type F = typeof fetch;
type C = ReturnType<typeof callerOf>;
