import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { createSafeClient } from '../../channels/http/safeClient';
import type { SafeReply } from '../../channels/http/safeClient';
import { SendError } from '../../channels/http/sendError';
import { recordEvents } from '../../db/events';
import { inTransaction } from '../../db/transaction';
import type { EventType } from '../../domain/event';
import { createDeliveries } from '../../services/deliveries';
import { createWebhookSender } from '../../services/webhookSender';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench } from '../support/services';
import type { Bench } from '../support/services';

const reply = (status: number, headers: Record<string, string> = {}): SafeReply => ({
  status,
  headers,
  body: '',
  truncated: false,
});
const nothingKept = async () => {};
const ALL_SINCE = new Date(0);
const HOUR = 60 * 60_000;

let database: TestDatabase;
let bench: Bench;
/** What went out, and what comes back: each in turn, afterwards 204. An Error is thrown, a function called. */
let sent: { url: string; id: string; type: string }[] = [];
let replies: (SafeReply | Error | (() => Promise<SafeReply>))[] = [];
const results: string[] = [];
let endpointId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url, {
    poolSize: 5,
    onWebhookAttempt: (result) => void results.push(result),
    outgoing: {
      post: async (url, { headers, body }) => {
        const { type } = JSON.parse(String(body)) as { type: string };
        sent.push({ url, id: headers['webhook-id']!, type });
        const answer = replies.shift() ?? reply(204);
        if (answer instanceof Error) throw answer;
        return typeof answer === 'function' ? answer() : answer;
      },
    },
  });
}, 60_000);
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});
beforeEach(async () => {
  await sql('update webhook_endpoints set removed_at = now() where removed_at is null');
  sent = [];
  replies = [];
  results.length = 0;
  endpointId = await addEndpoint();
});

const sql = (text: string, values: unknown[] = []) => bench.pool.query(text, values);
const hooks = () => bench.services.webhooks;
const told = () => bench.services.deliveries;

async function addEndpoint(eventTypes: EventType[] | null = null): Promise<string> {
  const request = { url: 'https://hooks.example/', description: '', eventTypes };
  return (await hooks().create(bench.tenant.id, request, nothingKept)).endpoint.id;
}
/** That many events, one transaction each. */
async function happen(count: number, type: EventType = 'user_created') {
  for (let i = 0; i < count; i++)
    await inTransaction(bench.pool, (tx) => recordEvents(tx, bench.tenant.id, [{ type }]));
}
const drain = (target = endpointId, signal?: AbortSignal) => told().drain(bench.tenant.id, target, signal);
const find = () => hooks().find(bench.tenant.id, endpointId);
const entries = async () =>
  (await hooks().listDeliveries(bench.tenant.id, endpointId, { before: undefined, limit: 100 })).reverse();
const states = async () => (await entries()).map(({ state }) => state);
/** As if so much time had passed for what is due, and for the endpoint's rest. */
const later = async (ms: number) => {
  await sql(`update deliveries set due_at = due_at - $1 * interval '1 millisecond' where state = 'due'`, [ms]);
  await sql(`update webhook_endpoints set rest_until = rest_until - $1 * interval '1 millisecond'`, [ms]);
};
const numbers = () => sent.map(({ id }) => Number(id.split('_').at(-1)));
const ascending = (list: number[]) => list.toSorted((a, b) => a - b);

test('while a secret is being replaced, both sign the second that is sent, also when it ends between them', async () => {
  const heard: { headers: Record<string, string>; body: string }[] = [];
  let nowMs = Date.now();
  const sender = createWebhookSender({
    pool: bench.pool,
    ...bench.services.rows,
    callbacks: bench.services.callbacks,
    authyEvents: bench.services.authyEvents,
    nowMs: () => (nowMs += 1_000),
    client: {
      post: async (_url, { headers, body }) => (heard.push({ headers: headers, body: String(body) }), reply(204)),
    },
  });
  const deliveries = createDeliveries({ pool: bench.pool, ...bench.services.rows, sender });
  const request = { url: 'https://hooks.example/', description: '', eventTypes: null };
  const { endpoint, secret } = await hooks().create(bench.tenant.id, request, nothingKept);
  const next = await hooks().rotate(bench.tenant.id, endpoint.id, HOUR, nothingKept);
  await happen(1);
  await deliveries.drain(bench.tenant.id, endpoint.id);
  for (const one of [secret, next]) new Webhook(one).verify(heard[0]!.body, heard[0]!.headers);
});

describe('a batch', () => {
  test('is told in the order of events, twenty at most, and says that more is due', async () => {
    await happen(25);
    expect(await drain()).toBe(0);
    expect(sent).toHaveLength(20);
    expect(await drain()).toBeUndefined();
    expect(numbers()).toEqual(ascending(numbers()));
    expect(new Set(sent.map(({ id }) => id)).size).toBe(25);
    expect(results).toEqual(Array.from({ length: 25 }, () => 'delivered'));
  });

  test('goes on after one failure; what failed comes later, after what had waited before it', async () => {
    await happen(3);
    replies = [reply(500)];
    const nextInMs = await drain();
    expect(await states()).toEqual(['due', 'delivered', 'delivered']);
    expect(nextInMs).toBeGreaterThan(4_000);
    expect(nextInMs).toBeLessThanOrEqual(5_000);
    await later(5_000);
    expect(await drain()).toBeUndefined();
    const [first, second, third, again] = numbers();
    expect([again, third! - second!]).toEqual([first, 1]);
    expect(results).toEqual(['later', 'delivered', 'delivered', 'delivered']);
  });

  test('ends after three failures in a row, and the endpoint rests, whoever pokes', async () => {
    await happen(6);
    replies = [reply(500), new SendError('timeout'), reply(307)];
    const restMs = await drain();
    expect(restMs).toBeGreaterThan(4_000);
    expect(sent).toHaveLength(3);
    await drain();
    expect(sent).toHaveLength(3);
    expect((await told().listOverdueTargets(100)).map(({ target }) => target)).not.toContain(endpointId);
    await later(5_000);
    expect(await drain()).toBeUndefined();
    expect(await states()).toEqual(Array.from({ length: 6 }, () => 'delivered'));
    expect((await find()).failingSinceMs).toBeNull();
  });

  test('ends at once when an endpoint asks for time, and all of it waits that long', async () => {
    await happen(4);
    replies = [reply(204), reply(429, { 'retry-after': '120' })];
    const nextInMs = await drain();
    expect(sent).toHaveLength(2);
    expect(nextInMs).toBeGreaterThan(118_000);
    expect(nextInMs).toBeLessThanOrEqual(120_000);
    await happen(1);
    await drain();
    expect(sent).toHaveLength(2);
    await later(120_000);
    expect(await drain()).toBeUndefined();
    expect(sent).toHaveLength(6);
  });

  test('ends between two deliveries when the worker stops', async () => {
    await happen(3);
    const stopping = new AbortController();
    replies = [
      async () => {
        stopping.abort();
        return reply(204);
      },
    ];
    expect(await drain(endpointId, stopping.signal)).toBe(0);
    expect(await states()).toEqual(['delivered', 'due', 'due']);
  });
});

describe('an endpoint', () => {
  test('that answers 410 is disabled at once: nothing more is sent, what is due waits, an event says so', async () => {
    const other = await addEndpoint(['webhook_disabled']);
    await happen(5);
    replies = [reply(410)];
    expect(await drain()).toBeUndefined();
    expect(sent).toHaveLength(1);
    expect(results).toEqual(['gone']);
    expect(await find()).toMatchObject({ state: 'disabled', disabledReason: 'gone' });
    expect(await states()).toEqual(['dead', 'due', 'due', 'due', 'due']);
    await drain(other);
    expect(sent.at(-1)).toMatchObject({ type: 'webhook_disabled' });
    await hooks().update(bench.tenant.id, endpointId, { state: 'enabled' });
    expect(await drain()).toBeUndefined();
    expect(await states()).toEqual(['dead', 'delivered', 'delivered', 'delivered', 'delivered']);
  });

  test.each([
    ['a little less than five days stays', 5 * 24 * HOUR - 60_000, 'enabled', null],
    ['five days is disabled', 5 * 24 * HOUR + 1_000, 'disabled', 'failing'],
  ])('that has failed for %s', async (_what, forMs, state, disabledReason) => {
    await happen(1);
    replies = [reply(500)];
    await drain();
    expect((await find()).failingSinceMs).not.toBeNull();
    await sql(`update webhook_endpoints set failing_since = now() - $1 * interval '1 millisecond' where id = $2`, [
      forMs,
      endpointId,
    ]);
    await later(5_000);
    replies = [reply(500)];
    await drain();
    expect(await find()).toMatchObject({ state, disabledReason });
    expect(await states()).toEqual(['due']);
  });

  test('that takes one delivery is not failing any more; a new URL is a new start', async () => {
    await happen(2);
    replies = [reply(500), reply(204)];
    await drain();
    expect((await find()).failingSinceMs).toBeNull();
    replies = [reply(503, { 'retry-after': '3600' })];
    await later(5_000);
    await drain();
    expect((await find()).failingSinceMs).not.toBeNull();
    await happen(1);
    await drain();
    expect(sent).toHaveLength(3);
    await hooks().update(bench.tenant.id, endpointId, { url: 'https://other.example/' });
    expect((await find()).failingSinceMs).toBeNull();
    await drain();
    expect(sent.at(-1)).toMatchObject({ url: 'https://other.example/' });
  });

  test('is sent a delivery ten times, then it is dead; made due by hand it has ten more', async () => {
    await happen(1);
    await sql('update deliveries set attempts = 9, tries = 9 where endpoint_id = $1', [endpointId]);
    replies = [reply(500)];
    expect(await drain()).toBeUndefined();
    expect(await states()).toEqual(['dead']);
    expect(results).toEqual(['dead']);
    const { id } = (await entries())[0]!;
    expect(await hooks().redeliver(bench.tenant.id, endpointId, { deliveryId: id })).toBe(1);
    replies = [reply(500)];
    expect(await drain()).toBeGreaterThan(4_000);
    expect((await entries())[0]!.attempts.map(({ number }) => number)).toEqual([10, 11]);
    expect(new Set(sent.map((one) => one.id)).size).toBe(1);
  });

  const whole = () => ({ since: ALL_SINCE });
  const first = async () => ({ deliveryId: (await entries())[0]!.id });
  test.each([
    ['one delivery, and takes it', first, reply(204)],
    ['one delivery, and does not take it', first, reply(500)],
    ['everything, and takes it', whole, reply(204)],
    ['everything, and has gone', whole, new SendError('timeout')],
  ])('that asks in the middle of an attempt for %s, is told once more after it', async (_what, which, answer) => {
    await sql('delete from events where tenant_id = $1', [bench.tenant.id]);
    await happen(1);
    replies = [
      async () => {
        await hooks().redeliver(bench.tenant.id, endpointId, await which());
        if (answer instanceof Error) throw answer;
        return answer;
      },
    ];
    expect(await drain()).toBe(0);
    expect(await states()).toEqual(['due']);
    expect(await drain()).toBeUndefined();
    expect(new Set(numbers()).size).toBe(1);
    expect(sent).toHaveLength(2);
    expect(await entries()).toMatchObject([{ state: 'delivered', attempts: [{ number: 1 }, { number: 2 }] }]);
  });

  test('is told again everything since a time, in order, also in more than one transaction', async () => {
    await happen(2);
    await drain();
    await hooks().update(bench.tenant.id, endpointId, { state: 'disabled' });
    await sql(
      `insert into events (tenant_id, number, type)
       select $1, last_number + n, 'user_created' from event_counters, generate_series(1, 12000) n where tenant_id = $1`,
      [bench.tenant.id],
    );
    await sql('update event_counters set last_number = last_number + 12000 where tenant_id = $1', [bench.tenant.id]);
    await hooks().update(bench.tenant.id, endpointId, { state: 'enabled' });
    const made = await hooks().redeliver(bench.tenant.id, endpointId, { since: ALL_SINCE });
    const { rows } = await sql(
      `select count(*)::int as n from events where tenant_id = $1 and type <> 'webhook_pinged'`,
      [bench.tenant.id],
    );
    expect(made).toBe(rows[0].n);
    expect(made).toBeGreaterThan(12_000);
    sent = [];
    await drain();
    await drain();
    expect(numbers()).toHaveLength(40);
    expect(numbers()).toEqual(ascending(numbers()));
    await sql(`delete from deliveries`);
  });

  test('that is removed in the middle of a batch is told nothing more, and nothing stays due', async () => {
    await happen(4);
    replies = [
      async () => {
        await hooks().remove(bench.tenant.id, endpointId);
        return reply(500);
      },
    ];
    expect(await drain()).toBeUndefined();
    expect(sent).toHaveLength(1);
    const { rows } = await sql('select distinct state from deliveries where endpoint_id = $1', [endpointId]);
    expect(rows).toEqual([{ state: 'dead' }]);
  });

  test('that changes what it subscribes to still gets what was due, and of later events only those', async () => {
    await happen(1);
    await hooks().update(bench.tenant.id, endpointId, { eventTypes: ['user_removed'] });
    await happen(1);
    await happen(1, 'user_removed');
    await drain();
    expect(sent.map(({ type }) => type)).toEqual(['user_created', 'user_removed']);
  });

  test('on a private address is not called, and its log says why', async () => {
    const client = createSafeClient({ allowPrivate: false, timeoutMs: 2_000 });
    await happen(1);
    await sql(`update deliveries set state = 'dead' where endpoint_id = $1`, [endpointId]);
    replies = [() => client.post('https://127.0.0.1/', { headers: {}, body: '' })];
    await happen(1);
    await drain();
    await client.close();
    expect((await entries()).at(-1)!.attempts).toMatchObject([{ status: null, error: 'url_refused' }]);
  });
});

describe('a crash', () => {
  test('between sending and recording sends the same id again', async () => {
    await happen(1);
    await sql(`alter table delivery_attempts add constraint broken check (false) not valid`);
    await expect(drain()).rejects.toThrow();
    await sql(`alter table delivery_attempts drop constraint broken`);
    expect(await drain()).toBeUndefined();
    expect(sent).toHaveLength(2);
    expect(sent[0]!.id).toBe(sent[1]!.id);
    expect((await entries())[0]!.attempts).toHaveLength(1);
  });

  test('that was none: what the slower of two attempts meets does not undo that the other was taken', async () => {
    await happen(1);
    replies = [
      async () => {
        await drain();
        return reply(500);
      },
    ];
    await drain();
    expect(sent).toHaveLength(2);
    expect(await states()).toEqual(['delivered']);
  });
});

describe('what is overdue', () => {
  const overdue = async (limit: number) => (await told().listOverdueTargets(limit)).map(({ target }) => target);
  const makeOverdue = () => sql(`update deliveries set due_at = now() - interval '6 seconds' where state = 'due'`);

  test('is found only where something can be told', async () => {
    const disabled = await addEndpoint();
    const removed = await addEndpoint();
    await happen(1);
    await hooks().update(bench.tenant.id, disabled, { state: 'disabled' });
    await hooks().remove(bench.tenant.id, removed);
    expect(await overdue(100)).toEqual([]);
    await makeOverdue();
    expect(await overdue(100)).toEqual([endpointId]);
    await drain();
    expect(await overdue(100)).toEqual([]);
  });

  test('is found at random, so that none keeps the others from it', async () => {
    const all = [endpointId, await addEndpoint(), await addEndpoint()];
    await happen(1);
    await makeOverdue();
    const found = new Set<string>();
    for (let i = 0; i < 200 && found.size < all.length; i++) for (const one of await overdue(1)) found.add(one);
    expect(found).toEqual(new Set(all));
  });
});

test('a callback that was kept is told later, under its id, and the approval says so', async () => {
  const { services, pool, tenant } = bench;
  const user = await bench.addUser(1);
  const { id } = await bench.ask(user.id);
  await services.approvals.cancel(tenant.id, id);
  const { approvals } = services.rows;
  await inTransaction(pool, async (tx) => {
    expect(await approvals.recordCallback(tx, tenant.id, id, 'failed')).toBe(true);
    await approvals.keepForLater(tx, tenant.id, id, `cb_${id}`, 'the endpoint answered 500');
  });
  replies = [reply(500)];
  expect(await drain(`callback-${id}`)).toBeGreaterThan(4_000);
  expect((await services.approvals.find(tenant.id, id)).callbackState).toBe('failed');
  await later(11_000);
  expect((await told().listOverdueTargets(100)).map(({ target }) => target)).toContain(`callback-${id}`);
  expect(await drain(`callback-${id}`)).toBeUndefined();
  expect((await services.approvals.find(tenant.id, id)).callbackState).toBe('delivered');
  expect(sent).toEqual(
    [1, 2].map(() => ({ url: 'https://example.com/callback', id: `cb_${id}`, type: 'approval.cancelled' })),
  );
});

test('nothing of another tenant, and nothing that is not there, is drained', async () => {
  await happen(1);
  expect(await told().drain(randomUUID(), endpointId)).toBeUndefined();
  expect(await drain(randomUUID())).toBeUndefined();
  expect(sent).toEqual([]);
});
