import { expect, test } from '@jest/globals';
import { discreet, PushError } from '../../channels/push/push';
import type { PushMessage } from '../../channels/push/push';

const message: PushMessage = {
  idempotencyKey: 'push:1',
  tenantId: 'tenant',
  deviceId: 'device',
  approvalId: 'approval',
  about: 'asked',
  target: 'secret-token',
};

const throwing = (error: unknown) =>
  discreet({
    kind: 'test',
    send() {
      throw error;
    },
  });

test('hands the message on as it is', async () => {
  const sent: PushMessage[] = [];
  const sender = discreet({ kind: 'test', send: async (each) => void sent.push(each) });
  await sender.send(message);
  expect(sender.kind).toBe('test');
  expect(sent).toEqual([message]);
});

test.each([
  [
    'a status',
    Object.assign(new Error('https://push.example/secret-token is gone'), { statusCode: 410 }),
    'status 410',
  ],
  ['a code of the system', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  ['a code that could be anything', Object.assign(new Error('no'), { code: 'secret-token' }), 'unknown'],
  ['nothing to know it by', new Error('BadDeviceToken: secret-token'), 'unknown'],
  ['no error at all', 'secret-token', 'unknown'],
])('tells of an error with %s no more than that', async (_, error, reason) => {
  const failure: unknown = await throwing(error)
    .send(message)
    .catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(PushError);
  expect(failure).toMatchObject({ reason });
  expect((failure as Error).message).toContain(reason);
  expect(failure).not.toHaveProperty('cause');
  expect((failure as Error).stack).not.toContain('secret-token');
});

test('leaves an error alone that is discreet already', async () => {
  const error = new PushError('muted');
  await expect(throwing(error).send(message)).rejects.toBe(error);
});
