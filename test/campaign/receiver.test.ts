import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { startReceiver } from './receiver';
import type { Receiver } from './receiver';
import { ToldLog } from './told';

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
