import { expect, test } from '@jest/globals';
import { discreetCarriers } from '../../channels/carriers';
import { CarrierError } from '../../channels/discreet';

const MESSAGE = { idempotencyKey: 'k', tenantId: 't', to: '+41791234567', text: 'your code is 123456' };

const failingWith = (error: unknown) =>
  discreetCarriers({ sms: { send: () => Promise.reject(error as Error) } })
    .sms!.send(MESSAGE)
    .catch((told: unknown) => told);

test.each([
  [Object.assign(new Error('to +41791234567'), { code: 'ECONNRESET' }), 'ECONNRESET'],
  [Object.assign(new Error('123456'), { statusCode: 503 }), 'status 503'],
  [Object.assign(new Error('123456'), { code: '+41791234567' }), 'unknown'],
  [new Error('your code is 123456'), 'unknown'],
  ['123456', 'unknown'],
  [undefined, 'unknown'],
])('of what a carrier throws only a code or a status is told: %p', async (error, reason) => {
  const told = await failingWith(error);
  expect(told).toBeInstanceOf(CarrierError);
  expect(told).toMatchObject({ reason, message: `The message was not taken: ${reason}` });
  expect((told as Error).cause).toBeUndefined();
});

test('what our own senders say passes as it is', async () => {
  const own = new CarrierError('blocked', true);
  expect(await failingWith(own)).toBe(own);
});

test('a channel without a provider stays without one', () => {
  expect(Object.keys(discreetCarriers({ voice: { send: async () => {} } }))).toEqual(['voice']);
  expect(Object.keys(discreetCarriers({ email: { send: async () => {} } }))).toEqual(['email']);
});
