import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EventType } from '../../domain/event';
import type { EventView } from '../../contracts/webhooks';
import { snippetWith } from '../docs/markdown';
import { addUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { until } from '../support/until';

let program: TestProgram;
let receiver: Receiver;
let gone: Receiver;
beforeAll(async () => {
  program = await startTestProgram();
  receiver = await startReceiver();
  gone = await startReceiver([410]);
}, 60_000);
afterAll(async () => {
  await program?.close();
  await receiver?.close();
  await gone?.close();
});

/** Made by other stories than this one: several people, minutes of failure. */
const ELSEWHERE: readonly EventType[] = ['approval_answered', 'approver_withdrawn', 'push_failed', 'callback_failed'];

test('what is told of each event is what the catalogue says', async () => {
  const examples = snippetWith('docs/webhooks.md', 'json', 'user_created')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as EventView)
    .filter(({ type }) => !ELSEWHERE.includes(type));
  const { call } = program;
  const { id } = (await call('POST', '/v1/webhooks', { url: receiver.url })).body;
  await call('POST', '/v1/webhooks', { url: gone.url, eventTypes: ['user_removed'] });

  const user = await addUser(program);
  const ask = async (more = {}) =>
    (await call('POST', '/v1/approvals', { userId: user.id, mode: 'transaction', title: 'Pay', ...more })).body.id;
  const [expiring, approved, denied, cancelled] = [
    await ask({ expiresInSeconds: 10 }),
    await ask(),
    await ask(),
    await ask(),
  ];
  await user.phone.answer(await user.phone.show(approved), 'approved');
  await user.phone.answer(await user.phone.show(denied), 'denied', 'not_me');
  await call('POST', `/v1/approvals/${cancelled}/resend`);
  await call('POST', `/v1/approvals/${cancelled}/cancel`);
  await call('GET', `/v1/approvals/${expiring}?wait=20`);
  await user.phone.unregister();
  await call('DELETE', `/v1/users/${user.id}`);
  await call('POST', `/v1/webhooks/${id}/ping`);

  const told = await until(
    async () => {
      const events = receiver.received.map(({ body }) => JSON.parse(body) as EventView);
      return examples.every(({ type }) => events.some((event) => event.type === type)) && events;
    },
    { withinMs: 20_000, what: 'one of each event' },
  );
  for (const { type, data } of examples) {
    const event = told.find((one) => one.type === type)!;
    expect({ type, data: Object.keys(event.data).sort() }).toEqual({ type, data: Object.keys(data).sort() });
  }
}, 60_000);
