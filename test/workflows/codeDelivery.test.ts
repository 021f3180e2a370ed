import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { CodeDeliveryActivities } from '../../activities/codeDelivery';
import { createSandbox } from './sandbox';
import type { Sandbox } from './sandbox';

const INPUT = { tenantId: 'tenant', codeId: 'code', generation: 1 };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox(['tryToSendCode', 'sendCode', 'recordCodeFailure']);
}, 60_000);
afterAll(() => sandbox?.close());

function setup(quick: Awaited<ReturnType<CodeDeliveryActivities['tryToSendCode']>>) {
  const activities = {
    tryToSendCode: jest.fn<CodeDeliveryActivities['tryToSendCode']>(async () => quick),
    sendCode: jest.fn<CodeDeliveryActivities['sendCode']>(async () => 'sent'),
    recordCodeFailure: jest.fn<CodeDeliveryActivities['recordCodeFailure']>(async () => 'failed'),
  };
  return { ...activities, start: () => sandbox.start('codeDelivery', INPUT, activities) };
}

test.each(['sent', 'failed', 'not_needed'] as const)('ends with what the quick try found: %s', async (outcome) => {
  const { start, tryToSendCode, sendCode } = setup(outcome);
  expect((await start()).result()).toEqual({ value: outcome });
  expect(tryToSendCode.mock.calls).toEqual([[INPUT]]);
  expect(sendCode).not.toHaveBeenCalled();
});

test('where the quick try failed, patience follows', async () => {
  const { start, sendCode, recordCodeFailure } = setup('waiting');
  expect((await start()).result()).toEqual({ value: 'sent' });
  expect(sendCode.mock.calls).toEqual([[INPUT]]);
  expect(recordCodeFailure).not.toHaveBeenCalled();
});

test('where patience ends, that is an outcome and no failure', async () => {
  const { start, sendCode, recordCodeFailure } = setup('waiting');
  sendCode.mockRejectedValue(new Error('the carrier answered 503'));
  expect((await start()).result()).toEqual({ value: 'failed' });
  expect(recordCodeFailure.mock.calls).toEqual([[INPUT]]);
});
