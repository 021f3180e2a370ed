import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { startReceiver } from './receiver';
import type { Receiver } from './receiver';
import { ToldLog } from './told';
import { createWebhookReceiver, SICK } from './webhookReceiver';

const KEY = `whsec_${randomBytes(32).toString('base64')}`;

let log: ToldLog;
let receiver: Receiver;
beforeEach(async () => {
  log = new ToldLog();
  receiver = await startReceiver(KEY, log);
});
afterEach(() => receiver.close());

const fact = { what: 'callback', approvalId: 'one', webhookId: 'cb_one', outcome: 'approved' };

async function send(changes: { key?: string; type?: string; headerId?: string } = {}): Promise<number> {
  const { key = KEY, type = 'approval.approved', headerId = 'cb_one' } = changes;
  const body = JSON.stringify({ type, id: 'cb_one', data: { id: 'one', status: 'approved' } });
  const now = new Date();
  const response = await fetch(receiver.url, {
    method: 'POST',
    body,
    headers: {
      'webhook-id': headerId,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new Webhook(key).sign(headerId, now, body),
    },
  });
  return response.status;
}

test('a callback with a valid signature is written down, each time that it comes', async () => {
  expect(await send()).toBe(200);
  await receiver.arrived('one');
  expect(await send()).toBe(200);
  expect(log.facts).toEqual([fact, fact]);
  expect(receiver.forged()).toBe(0);
});

test.each([
  ['signed with another key', { key: `whsec_${randomBytes(32).toString('base64')}` }],
  ['with another id in its header', { headerId: 'cb_two' }],
  ['of a type that is not its outcome', { type: 'approval.denied' }],
])('one %s is forged', async (_what, changes) => {
  expect(await send(changes)).toBe(400);
  expect(receiver.forged()).toBe(1);
  expect(log.facts).toEqual([]);
});

test('told to fail at first, it takes the second', async () => {
  receiver.failFirst(true);
  expect(await send()).toBe(500);
  expect(log.facts).toEqual([]);
  expect(await send()).toBe(200);
  expect(log.facts).toEqual([fact]);
});

describe('a webhook', () => {
  const ANOTHER_KEY = `whsec_${randomBytes(32).toString('base64')}`;

  /** Signed with all of these keys, as while a secret is being replaced. */
  function messageOf(number: number, keys: string[], headerNumber = number) {
    const [id, headerId] = [`evt_tenant_${number}`, `evt_tenant_${headerNumber}`];
    const body = JSON.stringify({
      id,
      type: 'user_created',
      timestamp: '2026-11-24T10:00:00.000Z',
      data: { userId: 'u' },
    });
    const now = new Date();
    const headers = {
      'webhook-id': headerId,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': keys.map((key) => new Webhook(key).sign(headerId, now, body)).join(' '),
    };
    return { headers, body };
  }

  async function tell(endpoint: string, number: number, keys: string[], headerNumber = number): Promise<number> {
    const response = await fetch(receiver.webhookUrl(endpoint), {
      method: 'POST',
      ...messageOf(number, keys, headerNumber),
    });
    await response.arrayBuffer(); // unread, it would hold its connection, and whatever is queued behind it
    return response.status;
  }
  const secretsOf = (endpoint: string) => receiver.webhooks.arrivals(endpoint).map(({ secrets }) => secrets);

  test('is written down with the secrets that signed it', async () => {
    receiver.webhooks.trust('one', KEY);
    expect(await tell('one', 1, [KEY])).toBe(204);
    receiver.webhooks.trust('one', ANOTHER_KEY);
    for (const keys of [[ANOTHER_KEY, KEY], [ANOTHER_KEY]]) expect(await tell('one', 2, keys)).toBe(204);
    expect(secretsOf('one')).toEqual([[0], [0, 1], [1]]);
    expect(log.facts).toEqual(receiver.webhooks.arrivals('one'));
    expect(log.facts[0]).toMatchObject({
      about: 'webhook',
      endpoint: 'one',
      what: 'arrived',
      eventId: 'evt_tenant_1',
      type: 'user_created',
      eventAtMs: Date.parse('2026-11-24T10:00:00Z'),
      data: { userId: 'u' },
    });
  });

  test('with a signature or an id that is not right is forged', async () => {
    receiver.webhooks.trust('one', KEY);
    expect(await tell('one', 1, [ANOTHER_KEY])).toBe(400);
    expect(await tell('one', 1, [KEY], 2)).toBe(400);
    expect(receiver.forged()).toBe(2);
    expect(log.facts).toEqual([]);
  });

  test('that came before the secret is looked at with it', async () => {
    expect(await tell('one', 1, [KEY])).toBe(204);
    expect(await tell('one', 2, [ANOTHER_KEY])).toBe(204);
    expect(log.facts).toEqual([]);
    receiver.webhooks.trust('one', KEY);
    expect(secretsOf('one')).toEqual([[0]]);
    expect(receiver.forged()).toBe(1);
  });

  test('is refused by the sick endpoint now and then, at the same events, and taken the second time', async () => {
    const numbers = Array.from({ length: 100 }, (_, index) => index + 1);
    const refused = async () => {
      const sick = createWebhookReceiver(log, 'salt');
      sick.trust(SICK, KEY);
      const tellAll = () =>
        Promise.all(
          numbers.map(
            async (number) => (await sick.receive({ path: sick.pathOf(SICK), ...messageOf(number, [KEY]) })).status,
          ),
        );
      const first = await tellAll();
      expect(await tellAll()).toEqual(numbers.map(() => 204));
      return first;
    };
    const statuses = await refused();
    expect(new Set(statuses)).toEqual(new Set([204, 429, 500]));
    expect(await refused()).toEqual(statuses);
  });

  test('can be held before it has arrived, and after', async () => {
    receiver.webhooks.trust('one', KEY);
    const before = receiver.webhooks.stopAt(({ name }) => name === 'one', 'before');
    const cut = tell('one', 1, [KEY]);
    await before.arrived;
    before.drop();
    await expect(cut).rejects.toThrow();
    expect(log.facts).toEqual([]);
    const after = receiver.webhooks.stopAt(({ name }) => name === 'one', 'after');
    const unanswered = tell('one', 1, [KEY]);
    await after.arrived;
    expect(log.facts).toHaveLength(1);
    after.drop();
    await expect(unanswered).rejects.toThrow();
    expect(await tell('one', 1, [KEY])).toBe(204);
  });
});
