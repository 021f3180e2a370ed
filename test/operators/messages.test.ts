import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { codeDeliveryWorkflowId } from '../../workflows/codeDelivery.messages';
import { codePromptWorkflowId } from '../../workflows/codePrompt.messages';
import { authyCallerOf } from '../support/authy';
import { addUser } from '../support/phone';
import { addPhoneUser } from '../support/texts';
import { until } from '../support/until';
import { openDesk } from './desk';
import type { Desk } from './desk';

// Nobody takes any message or push here, and an operator has enough of it.

const pushes: string[] = [];
const down = () => Promise.reject(new Error('503'));

let desk: Desk;
beforeAll(async () => {
  const push = {
    kind: 'simulated',
    send: ({ idempotencyKey }: { idempotencyKey: string }) => (pushes.push(idempotencyKey), down()),
  };
  desk = await openDesk({ smsSender: { send: down }, pushSenders: [push] });
}, 60_000);
afterAll(() => desk?.close(), 60_000);

/** Temporal's own Cancel, once the activity has failed and is to be tried again. */
async function cancel(handle: WorkflowHandle): Promise<void> {
  const failing = async () => {
    const { raw } = await handle.describe();
    return raw.pendingActivities?.some(({ attempt }) => (attempt ?? 0) > 1);
  };
  await until(() => failing().catch(() => false), { what: 'the second attempt' });
  await handle.cancel();
  await until(async () => (await handle.describe()).status.name !== 'RUNNING', { what: 'the end' });
  expect((await handle.describe()).status.name).toBe('COMPLETED');
}

describe('cancelled by an operator', () => {
  test('a code that is being sent is told as not sent', async () => {
    const { call, tenant } = desk.program;
    const user = await addPhoneUser(desk.program);
    const { id: codeId } = (await call('POST', `/v1/users/${user.id}/codes`, { channel: 'sms' })).body;
    await cancel(
      desk.temporal.workflow.getHandle(codeDeliveryWorkflowId({ tenantId: tenant.id, codeId, generation: 1 })),
    );
    const { events } = (await call('GET', `/v1/events?userId=${user.id}&type=code_failed`)).body;
    expect(events).toMatchObject([{ data: { channel: 'sms', reason: 'not_taken' } }]);
  }, 60_000);

  test('phones are no longer asked for their digits', async () => {
    const { call, tenant } = desk.program;
    const { id: userId } = await addUser(desk.program, { more: { phone: '+41791234501' } });
    const { authyId } = (await call('GET', `/v1/users/${userId}`)).body;
    const { body } = await authyCallerOf(desk.program, tenant.authyApiKey)('GET', `/protected/json/sms/${authyId}`);
    expect(body).toMatchObject({ ignored: true });
    const key = await until(() => Promise.resolve(pushes.find((each) => each.startsWith('prompt:'))), {
      what: 'a push',
    });
    const promptId = key.split(':')[1]!;
    await cancel(desk.temporal.workflow.getHandle(codePromptWorkflowId({ tenantId: tenant.id, userId, promptId })));
    expect(new Set(pushes)).toEqual(new Set([key])); // tried again as the same push
  }, 60_000);
});
