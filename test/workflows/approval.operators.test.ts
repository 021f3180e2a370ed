import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApprovalState } from '../../workflows/approval.messages';
import {
  ANSWER,
  as,
  closeSandbox,
  ended,
  INPUT,
  MINUTES_3,
  notPushed,
  onDemand,
  openSandbox,
  setup,
} from './approval.setup';
import { cancelJob } from './sandbox';

beforeAll(openSandbox, 60_000);
afterAll(closeSandbox);

describe('what an operator types by hand', () => {
  const nothing = { metadata: { encoding: Buffer.from('binary/null') } };
  const of = (encoding: string, data: string) => ({
    metadata: { encoding: Buffer.from(encoding) },
    data: Buffer.from(data),
  });

  test.each([
    ['nothing', []],
    ['null', [nothing]],
    ['text', [of('json/plain', '"approve"')]],
    ['a number', [of('json/plain', '1')]],
    ['a list', [of('json/plain', '[{"answer":"x"}]')]],
    ['an object without an answer', [of('json/plain', '{}')]],
    ['an answer that is a number', [of('json/plain', '{"answer":5}')]],
    ['an answer that cannot become text', [of('json/plain', '{"answer":{"toString":1}}')]],
    ['bytes', [of('binary/plain', 'approve')]],
    ['two arguments', [of('json/plain', '{"answer":""}'), of('json/plain', '2')]],
  ])('%s as an answer is refused like a forged one', async (_, payloads) => {
    const { run, activities } = await setup({ recordAnswer: async () => as('pending', { remainingMs: 50_000 }) });
    await run.signalRaw('approve', ...payloads);
    await run.signalRaw('deny', ...payloads);
    expect(activities.recordAnswer.mock.calls).toEqual([[{ ...INPUT, answer: '' }], [{ ...INPUT, answer: '' }]]);
    await run.skip(50_000);
    expect(run.result()).toEqual(ended('expired'));
  });

  test.each([
    ['something that is not JSON', of('json/plain', 'approve!')],
    ['an encoding that we do not know', of('json/protobuf', '{"answer":"x"}')],
  ])('%s leaves the workflow as it was', async (_, payload) => {
    const { run } = await setup({ recordAnswer: async () => as('pending', { remainingMs: 50_000 }) });
    await run.signalRaw('approve', payload);
    await run.skip(50_000);
    expect(run.result()).toEqual(ended('expired'));
  });

  test('a signal with another name is ignored', async () => {
    const { run } = await setup();
    await run.signal('aprove', ANSWER);
    await run.skip(MINUTES_3);
    expect(run.result()).toEqual(ended('expired'));
  });
});

describe('cancelling', () => {
  test('the signal `cancel` cancels, and the back end is told', async () => {
    const { run } = await setup();
    await run.signal('cancel');
    expect(run.result()).toEqual(ended('cancelled'));
    expect(run.upserted()).toEqual(['CountersignOutcome=cancelled']);
  });

  test("Temporal's Cancel before the first task: cancelled, told, and the workflow completes", async () => {
    const { run, activities } = await setup({ before: [cancelJob] });
    expect(activities.recordCancellation).toHaveBeenCalledTimes(1);
    expect(run.result()).toEqual(ended('cancelled'));
  });

  test("Temporal's Cancel while the row is read", async () => {
    const begin = onDemand<ApprovalState>();
    const { run, activities } = await setup({ begin: begin.activity });
    await run.cancel();
    begin.answer(as('pending'));
    await run.settle();
    expect(activities.recordCancellation).toHaveBeenCalledTimes(1);
    expect(run.result()).toEqual(ended('cancelled'));
  });

  test("Temporal's Cancel while an answer is waited for", async () => {
    const { run } = await setup();
    await run.skip(1_000);
    await run.cancel();
    expect(run.result()).toEqual(ended('cancelled'));
  });

  test("Temporal's Cancel while an answer is being written leaves the decision as it is", async () => {
    const writing = onDemand<ApprovalState>();
    const { run, activities } = await setup({ recordAnswer: writing.activity });
    await run.signal('approve', ANSWER);
    await run.cancel();
    writing.answer(as('approved'));
    await run.settle();
    expect(activities.recordCancellation).not.toHaveBeenCalled();
    expect(run.result()).toEqual(ended('approved'));
  });

  test("Temporal's Cancel after the decision cancels nothing: the row says what it was", async () => {
    const { run } = await setup({ recordCancellation: async () => as('approved') });
    await run.cancel();
    expect(run.result()).toEqual(ended('approved'));
  });

  test("Temporal's Cancel during the delivery does not stop it", async () => {
    const delivering = onDemand<'delivered'>();
    const { run } = await setup({ tryCallback: async () => 'waiting', deliverCallback: delivering.activity });
    await run.signal('approve', ANSWER);
    await run.cancel();
    expect(run.result()).toBeUndefined();
    delivering.answer('delivered');
    await run.settle();
    expect(run.result()).toEqual(ended('approved'));
  });

  test("Temporal's Cancel during a patient push", async () => {
    const pushing = onDemand<never>();
    const { run } = await setup({ begin: async () => notPushed(), notifyDevices: pushing.activity });
    await run.cancel();
    pushing.fail(new Error('gateway away'));
    await run.settle();
    expect(run.result()).toMatchObject({ value: { status: 'cancelled' } });
  });
});
