import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createCountersign, verifyWebhook } from '../../sdk/server';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import { until } from '../support/until';

let program: TestProgram;
beforeAll(async () => {
  program = await startTestProgram();
}, 60_000);
afterAll(() => program?.close());

test('a back end registers an endpoint, is told, replaces its secret, reads the log and asks for it again', async () => {
  const { webhooks, events, users } = createCountersign({ baseUrl: program.url, apiKey: program.tenant.apiKey });
  const receiver = await startReceiver();
  const { id, secret, ...made } = await webhooks.create({ url: receiver.url, eventTypes: ['user_created'] });
  expect(await webhooks.list()).toEqual([{ id, ...made }]);
  expect(await webhooks.get(id)).toEqual({ id, ...made });

  const user = await users.create({ externalId: 'told' });
  const [first] = await receiver.wait(1);
  const event = verifyWebhook({ ...first!, secret });
  expect(event).toMatchObject({ type: 'user_created', data: { userId: user.id } });
  expect((await events.list({ userId: user.id })).events).toEqual([event]);

  const next = await webhooks.rotate(id, { overlapSeconds: 0 });
  await webhooks.ping(id);
  const [, second] = await receiver.wait(2);
  expect(verifyWebhook({ ...second!, secret: next }).type).toBe('webhook_pinged');
  expect(() => verifyWebhook({ ...second!, secret })).toThrow('signature_invalid');

  const log = await until(async () => {
    const { deliveries } = await webhooks.listDeliveries(id);
    return deliveries.every(({ state }) => state === 'delivered') && deliveries;
  });
  expect(log.map(({ type }) => type)).toEqual(['webhook_pinged', 'user_created']);
  expect(await webhooks.redeliver(id, { deliveryId: log[1]!.id })).toBe(1);
  const third = (await receiver.wait(3))[2]!;
  expect(verifyWebhook({ ...third, secret: next })).toEqual(event);

  expect(await webhooks.update(id, { state: 'disabled' })).toMatchObject({ state: 'disabled' });
  await webhooks.remove(id);
  expect(await webhooks.list()).toEqual([]);
  await receiver.close();
});
