import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { addUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Received } from '../support/receiver';
import { until } from '../support/until';

let program: TestProgram;
beforeAll(async () => {
  program = await startTestProgram();
}, 60_000);
afterAll(() => program?.close());

const create = async (url: string, more: object = {}) =>
  (await program.call('POST', '/v1/webhooks', { url, ...more })).body as { id: string; secret: string };

const remove = (id: string) => program.call('DELETE', `/v1/webhooks/${id}`);

/** What was told, verified with the library of the standard. */
const told = ({ headers, body }: Received, secret: string) =>
  new Webhook(secret).verify(body, headers as Record<string, string>) as { id: string; type: string; data: object };

const log = async (id: string) => (await program.call('GET', `/v1/webhooks/${id}/deliveries`)).body.deliveries;

describe('an endpoint', () => {
  test('is told every event once, in order, with a signature', async () => {
    const receiver = await startReceiver();
    const { id, secret } = await create(receiver.url);
    const user = await addUser(program, { push: false });
    await receiver.wait(3);
    const events = receiver.received.map((one) => told(one, secret));
    expect(events.map((event) => event.type)).toEqual([
      'user_created',
      'registration_token_created',
      'device_registered',
    ]);
    expect(events[2]).toMatchObject({ data: { userId: user.id, deviceId: user.devices[0]!.id } });
    expect(receiver.received[0]!.headers['webhook-id']).toBe(events[0]!.id);
    await remove(id);
    await receiver.close();
  });

  test('is told what it subscribes to only', async () => {
    const receiver = await startReceiver();
    const { id, secret } = await create(receiver.url, { eventTypes: ['device_registered'] });
    await addUser(program, { push: false });
    await program.call('POST', `/v1/webhooks/${id}/ping`);
    await receiver.wait(2);
    expect(receiver.received.map((one) => told(one, secret).type)).toEqual(['device_registered', 'webhook_pinged']);
    await remove(id);
    await receiver.close();
  });

  test('that fails is told again later, under the same id, and every attempt is logged', async () => {
    const receiver = await startReceiver([500]);
    const { id, secret } = await create(receiver.url, { eventTypes: ['user_created'] });
    await program.call('POST', '/v1/users', { externalId: 'told-twice' });
    await receiver.wait(1);
    await receiver.wait(2); // five seconds later
    const ids = receiver.received.map((one) => told(one, secret).id);
    expect(ids[0]).toBe(ids[1]);
    const [entry] = await until(async () => {
      const entries = await log(id);
      return entries[0].state === 'delivered' && entries;
    });
    expect(entry.attempts).toMatchObject([
      { number: 1, status: 500, error: 'status 500' },
      { number: 2, status: 204, error: null },
    ]);
    await remove(id);
    await receiver.close();
  }, 30_000);

  test('that is gone is disabled, and an event says so', async () => {
    const receiver = await startReceiver([410]);
    const { id } = await create(receiver.url, { eventTypes: ['user_created'] });
    await program.call('POST', '/v1/users', { externalId: 'gone' });
    await until(async () => ((await program.call('GET', `/v1/webhooks/${id}`)).body.state as string) === 'disabled');
    expect((await program.call('GET', `/v1/webhooks/${id}`)).body).toMatchObject({ disabledReason: 'gone' });
    const { body } = await program.call('GET', '/v1/events?type=webhook_disabled');
    expect((body.events as object[]).at(-1)).toMatchObject({ data: { endpointId: id, reason: 'gone' } });
    expect((await program.call('POST', `/v1/webhooks/${id}/ping`)).body).toMatchObject({ code: 'webhook_disabled' });
    await remove(id);
    await receiver.close();
  });

  test('can be told again what it missed, also while it was disabled', async () => {
    const receiver = await startReceiver();
    const since = new Date().toISOString();
    const { id, secret } = await create(receiver.url, { eventTypes: ['user_created'] });
    await program.call('PUT', `/v1/webhooks/${id}`, { state: 'disabled' });
    await program.call('POST', '/v1/users', { externalId: 'missed' });
    await program.call('PUT', `/v1/webhooks/${id}`, { state: 'enabled' });
    const again = await program.call('POST', `/v1/webhooks/${id}/redeliver`, { since });
    expect(again.body).toEqual({ deliveries: 1 });
    await receiver.wait(1);
    const [entry] = await until(async () => {
      const entries = await log(id);
      return entries[0].state === 'delivered' && entries;
    });
    await program.call('POST', `/v1/webhooks/${id}/redeliver`, { deliveryId: entry.id });
    await receiver.wait(2);
    expect(told(receiver.received[0]!, secret).id).toBe(told(receiver.received[1]!, secret).id);
    await remove(id);
    await receiver.close();
  });

  test('gets both signatures while its secret is being replaced', async () => {
    const receiver = await startReceiver();
    const before = await create(receiver.url, { eventTypes: ['user_created'] });
    const { body: after } = await program.call('POST', `/v1/webhooks/${before.id}/rotate`, { overlapSeconds: 60 });
    await program.call('POST', '/v1/users', { externalId: 'rotated' });
    await receiver.wait(1);
    expect(told(receiver.received[0]!, before.secret)).toEqual(told(receiver.received[0]!, after.secret));
    await remove(before.id);
    await receiver.close();
  });
});

test('events are listed in order, and a cursor never skips, with 16 writers at once', async () => {
  const start = (await program.call('GET', '/v1/events?limit=100')).body;
  let cursor = start.cursor as string;
  const seen: string[] = [];
  let writing = true;
  const reader = (async () => {
    for (;;) {
      const wasWriting = writing;
      const { body } = await program.call('GET', `/v1/events?type=user_created&cursor=${cursor}`);
      seen.push(...(body.events as { data: { userId: string } }[]).map((event) => event.data.userId));
      cursor = body.cursor;
      if (!wasWriting && body.events.length === 0) return;
    }
  })();
  const written = await Promise.all(
    Array.from({ length: 16 }, async (_, writer) => {
      const ids: string[] = [];
      for (let i = 0; i < 10; i++) {
        const { status, body } = await program.call('POST', '/v1/users', { externalId: `writer-${writer}-${i}` });
        expect(status).toBe(201);
        ids.push(body.id as string);
      }
      return ids;
    }),
  );
  writing = false;
  await reader;
  expect(seen.length).toBe(160);
  expect(new Set(seen)).toEqual(new Set(written.flat()));
}, 60_000);

test('a tenant sees nothing of the webhooks and events of another', async () => {
  const other = await program.addTenant('other');
  const { id } = await create('http://127.0.0.1:9/', { eventTypes: ['user_removed'] });
  const as = { authorization: `Bearer ${other.apiKey}` };
  expect((await program.call('GET', `/v1/webhooks/${id}`, undefined, as)).body.code).toBe('webhook_not_found');
  expect((await program.call('DELETE', `/v1/webhooks/${id}`, undefined, as)).status).toBe(404);
  expect((await program.call('GET', '/v1/webhooks', undefined, as)).body).toEqual({ webhooks: [] });
  expect((await program.call('GET', '/v1/events', undefined, as)).body.events).toEqual([]);
  await remove(id);
});
