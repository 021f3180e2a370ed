import { expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { signWebhook } from '../../channels/webhooks/sign';

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const webhook = { id: 'cb_1', timestampSeconds: Date.now() / 1000, body: '{"type":"approval.approved","ü":1}', secret };

test('a receiver that uses the library of Standard Webhooks accepts it', () => {
  expect(new Webhook(secret).verify(webhook.body, { ...signWebhook(webhook) })).toEqual(JSON.parse(webhook.body));
});

test.each([
  ['id', { 'webhook-id': 'cb_2' }],
  ['timestamp', { 'webhook-timestamp': String(Math.floor(webhook.timestampSeconds) - 1) }],
])('another %s is refused', (_what, change) => {
  expect(() => new Webhook(secret).verify(webhook.body, { ...signWebhook(webhook), ...change })).toThrow();
});

test('another body, and another secret, are refused', () => {
  expect(() => new Webhook(secret).verify(`${webhook.body} `, { ...signWebhook(webhook) })).toThrow();
  const other = new Webhook(Buffer.alloc(24, 8).toString('base64'));
  expect(() => other.verify(webhook.body, { ...signWebhook(webhook) })).toThrow();
});

test('the signature of the specification comes out', () => {
  // The example of https://github.com/standard-webhooks/standard-webhooks, signed by Svix.
  expect(
    signWebhook({
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestampSeconds: 1_614_265_330,
      body: '{"test": 2432232314}',
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    }),
  ).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('an id that could be read in two ways is refused', () => {
  expect(() => signWebhook({ ...webhook, id: 'cb.1' })).toThrow(TypeError);
});
