import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { LinkRound, OnboardingState } from '../../workflows/onboarding.messages';
import { onDemand } from './approval.setup';
import { as, closeSandbox, DAY, INPUT, notSent, openSandbox, sent, setup } from './onboarding.setup';
import { cancelJob, signalJob } from './sandbox';

beforeAll(openSandbox, 60_000);
afterAll(closeSandbox);

const cancelled = { value: as('cancelled', { reason: 'requested' }) };

describe('what an operator types by hand', () => {
  const of = (encoding: string, data: string) => ({
    metadata: { encoding: Buffer.from(encoding) },
    data: Buffer.from(data),
  });

  test.each(['method_chosen', 'device_registration_complete', 'confirmation_decided', 'code_accepted', 'look'])(
    '%s with whatever is typed changes nothing: the row is read',
    async (signal) => {
      const { run, activities } = await setup({ rows: [as('waiting_for_code')] });
      await run.signalRaw(signal);
      await run.signalRaw(signal, { metadata: { encoding: Buffer.from('binary/null') } });
      await run.signalRaw(signal, of('json/plain', '{"status":"enabled"}'));
      await run.signalRaw(signal, of('json/plain', '"enabled"'), of('json/plain', '2'));
      await run.signalRaw(signal, of('binary/plain', 'enabled'));
      await run.signalRaw(signal, of('json/plain', 'enabled!')); // no JSON
      await run.signalRaw(signal, of('json/protobuf', '{}')); // an encoding that we do not know
      expect(activities.beginOnboarding.mock.calls.every(([input]) => JSON.stringify(input) === JSON.stringify(INPUT))).toBe(true); // prettier-ignore
      expect(await run.query('state')).toEqual(as('waiting_for_code'));
      await run.skip(DAY);
      expect(run.result()).toEqual({ value: as('expired') });
    },
  );

  test('a signal with another name is ignored', async () => {
    const { run, activities } = await setup();
    await run.signal('two_factor_enabled');
    expect(activities.beginOnboarding).toHaveBeenCalledTimes(1);
    expect(run.result()).toBeUndefined();
  });
});

describe('cancelling', () => {
  test.each(['waiting_for_method', 'waiting_for_device', 'waiting_for_confirmation', 'waiting_for_code'] as const)(
    'the signal `cancel` while it is %s',
    async (status) => {
      const { run } = await setup({ rows: [as(status)] });
      await run.signal('cancel');
      expect(run.result()).toEqual(cancelled);
      expect(run.upserted()).toEqual(['CountersignOutcome=cancelled']);
      expect(run.timers()).toEqual([]);
    },
  );

  test('the signal `cancel` before the first task', async () => {
    const { run } = await setup({ before: [signalJob('cancel')] });
    expect(run.result()).toEqual(cancelled);
  });

  test('the signal `cancel` changes nothing that is decided: the row says what it is', async () => {
    const { run, activities } = await setup({ recordOnboardingCancellation: async () => as('enabled') });
    await run.signal('cancel');
    expect(run.result()).toEqual({ value: as('enabled') });
    expect(activities.closeConfirmation).not.toHaveBeenCalled();
  });

  test.each([
    ['method_chosen', 'cancel'],
    ['cancel', 'method_chosen'],
  ])('%s and %s at once: cancelled', async (...signals) => {
    const { run, activities } = await setup({ before: signals.map((name) => signalJob(name)) });
    expect(activities.recordOnboardingCancellation).toHaveBeenCalledTimes(1);
    expect(run.result()).toEqual(cancelled);
  });

  test("Temporal's Cancel before the first task: cancelled, and the workflow completes", async () => {
    const { run, activities } = await setup({ before: [cancelJob] });
    expect(activities.recordOnboardingCancellation).toHaveBeenCalledTimes(1);
    expect(run.result()).toEqual(cancelled);
  });

  test("Temporal's Cancel while the row is read", async () => {
    const reading = onDemand<OnboardingState>();
    const { run, activities } = await setup({ beginOnboarding: reading.activity });
    await run.cancel();
    reading.answer(as('waiting_for_code'));
    await run.settle();
    expect(activities.recordOnboardingCancellation).toHaveBeenCalledTimes(1);
    expect(run.result()).toEqual(cancelled);
  });

  test.each(['waiting_for_method', 'waiting_for_device', 'waiting_for_confirmation', 'waiting_for_code'] as const)(
    "Temporal's Cancel while it is %s",
    async (status) => {
      const { run } = await setup({ rows: [as(status)] });
      await run.skip(1_000);
      await run.cancel();
      expect(run.result()).toEqual(cancelled);
    },
  );

  test("Temporal's Cancel while it is confirmed takes the confirmation with it", async () => {
    const { run, activities } = await setup({
      rows: [as('waiting_for_confirmation', { approvalId: 'a' })],
      recordOnboardingCancellation: async () => as('cancelled', { approvalId: 'a' }),
    });
    await run.cancel();
    expect(activities.closeConfirmation.mock.calls).toEqual([[INPUT]]);
    expect(run.result()).toMatchObject({ value: { status: 'cancelled' } });
  });

  test("Temporal's Cancel after the end was written leaves it as it is", async () => {
    const { run } = await setup({ recordOnboardingCancellation: async () => as('enabled') });
    await run.cancel();
    expect(run.result()).toEqual({ value: as('enabled') });
  });

  test("Temporal's Cancel while the confirmation is closed does not stop that", async () => {
    const closing = onDemand<void>();
    const { run } = await setup({
      rows: [as('waiting_for_confirmation', { approvalId: 'a' }), as('cancelled', { approvalId: 'a' })],
      closeConfirmation: closing.activity,
    });
    await run.signal('look');
    await run.cancel();
    expect(run.result()).toBeUndefined();
    closing.answer();
    await run.settle();
    expect(run.result()).toMatchObject({ value: { status: 'cancelled' } });
  });

  test("Temporal's Cancel while the link is sent patiently", async () => {
    const sending = onDemand<never>();
    const { run } = await setup({ rows: [notSent()], sendInstallLink: sending.activity });
    await run.cancel();
    sending.fail(new Error('carrier away'));
    await run.settle();
    expect(run.result()).toEqual(cancelled);
  });
});

describe('the text message with the link', () => {
  const away = async () => Promise.reject(new Error('the carrier is away'));

  test('one that is not taken at once is tried patiently, and nothing waits for it', async () => {
    const sending = onDemand<never>();
    const { run, activities } = await setup({ rows: [notSent(), as('enabled')], sendInstallLink: sending.activity });
    expect(activities.sendInstallLink.mock.calls).toEqual([[INPUT]]);
    await run.signal('device_registration_complete');
    expect(run.result()).toEqual({ value: as('enabled') });
  });

  test('once it is taken, the query says so, without another step', async () => {
    const { run, activities } = await setup({ rows: [notSent()] });
    expect(await run.query('state')).toMatchObject({ linkSms: { state: 'sent', round: 1 } });
    expect(activities.beginOnboarding).toHaveBeenCalledTimes(1);
    expect(run.timers()).toHaveLength(1);
  });

  test('one that is not to be sent any more is left out, and what is written instead is read', async () => {
    const { run, activities } = await setup({
      rows: [notSent(), as('waiting_for_code', { method: 'sms' })],
      sendInstallLink: async () => null,
    });
    expect(activities.sendInstallLink).toHaveBeenCalledTimes(1);
    expect(await run.query('state')).toEqual(as('waiting_for_code', { method: 'sms' }));
  });

  test('when patience ends, that is written down once, and the onboarding waits on', async () => {
    const failed = as('waiting_for_device', { linkSms: { state: 'failed', round: 1 } });
    const { run, activities } = await setup({ rows: [notSent(), failed], sendInstallLink: away });
    expect(activities.sendInstallLink).toHaveBeenCalledTimes(1);
    expect(activities.recordLinkFailure.mock.calls).toEqual([[{ ...INPUT, round: 1 }]]);
    expect(await run.query('state')).toEqual(failed);
    await run.skip(DAY);
    expect(run.result()).toEqual({ value: as('expired') });
  });

  test('a failure that cannot be written down ends nothing', async () => {
    const failed = as('waiting_for_device', { linkSms: { state: 'failed', round: 1 } });
    const { run } = await setup({
      rows: [notSent(), failed, as('enabled')],
      sendInstallLink: away,
      recordLinkFailure: async () => Promise.reject(ApplicationFailure.nonRetryable('no', 'no')),
    });
    await run.signal('device_registration_complete');
    expect(run.result()).toEqual({ value: as('enabled') });
  });

  test('a link that is asked for again is sent again', async () => {
    const { run, activities } = await setup({ rows: [sent(1), notSent(2)] });
    activities.sendInstallLink.mockResolvedValue({ state: 'sent', round: 2 });
    await run.signal('method_chosen');
    expect(activities.sendInstallLink).toHaveBeenCalledTimes(1);
    expect(await run.query('state')).toMatchObject({ linkSms: { state: 'sent', round: 2 } });
  });

  test('one that is asked for while the one before is being taken is sent as well', async () => {
    const first = onDemand<LinkRound | null>();
    const { run, activities } = await setup({ rows: [notSent(1), notSent(2)], sendInstallLink: first.activity });
    await run.signal('method_chosen');
    activities.sendInstallLink.mockImplementation(async () => ({ state: 'sent', round: 2 }));
    first.answer({ state: 'sent', round: 1 });
    await run.settle();
    expect(activities.sendInstallLink).toHaveBeenCalledTimes(2);
    expect(await run.query('state')).toMatchObject({ linkSms: { state: 'sent', round: 2 } });
  });

  test('one that is asked for during the patience for the one before is sent when that has ended', async () => {
    const first = onDemand<LinkRound | null>();
    const { run, activities } = await setup({ rows: [notSent(1), notSent(2)], sendInstallLink: first.activity });
    await run.signal('method_chosen');
    expect(activities.sendInstallLink).toHaveBeenCalledTimes(1);
    activities.sendInstallLink.mockImplementation(async () => ({ state: 'sent', round: 2 }));
    first.fail(new Error('the carrier is away'));
    await run.settle();
    expect(activities.recordLinkFailure.mock.calls).toEqual([[{ ...INPUT, round: 1 }]]);
    expect(activities.sendInstallLink).toHaveBeenCalledTimes(2);
    expect(await run.query('state')).toMatchObject({ linkSms: { state: 'sent', round: 2 } });
  });
});
