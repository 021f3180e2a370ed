import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { OnboardingState } from '../../workflows/onboarding.messages';
import { as, closeSandbox, DAY, HOUR, INPUT, openSandbox, sent, setup } from './onboarding.setup';
import { signalJob } from './sandbox';

beforeAll(openSandbox, 60_000);
afterAll(closeSandbox);

/** Everything by which it learns of what is written. */
const NOTES = ['method_chosen', 'device_registration_complete', 'confirmation_decided', 'code_accepted', 'look'];

const WITH_CODE = [as('waiting_for_method', { method: null }), as('waiting_for_code'), as('enabled')];
const WITHOUT_DEVICE = [
  as('waiting_for_method', { method: null }),
  sent(),
  as('waiting_for_confirmation', { approvalId: 'a' }),
  as('enabled', { approvalId: 'a' }),
];
const WITH_DEVICE = [WITHOUT_DEVICE[0]!, ...WITHOUT_DEVICE.slice(2)];

describe('every way to the end', () => {
  test.each<[way: string, rows: OnboardingState[], signals: string[]]>([
    [
      'push without a device',
      WITHOUT_DEVICE,
      ['method_chosen', 'device_registration_complete', 'confirmation_decided'],
    ],
    ['push with a device', WITH_DEVICE, ['method_chosen', 'confirmation_decided']],
    ['push, chosen at the start', WITHOUT_DEVICE.slice(1), ['device_registration_complete', 'confirmation_decided']],
    ['a code, chosen later', WITH_CODE, ['method_chosen', 'code_accepted']],
    ['a code, chosen at the start', WITH_CODE.slice(1), ['code_accepted']],
  ])('%s', async (_, rows, signals) => {
    const { run, activities } = await setup({ rows });
    expect(await run.query('state')).toEqual(rows[0]);
    for (const [index, signal] of signals.entries()) {
      expect(run.result()).toBeUndefined();
      await run.skip(1_000);
      await run.signal(signal);
      expect(activities.beginOnboarding).toHaveBeenCalledTimes(index + 2);
    }
    expect(run.result()).toEqual({ value: rows.at(-1) });
    expect(activities.closeConfirmation).not.toHaveBeenCalled();
    expect(run.upserted()).toEqual([]); // an attribute is paid for only where it does not end as it should
    expect(run.timers()).toEqual([]);
  });

  test.each(['denied', 'confirmation_cancelled'])('a confirmation that is %s ends it: cancelled', async (reason) => {
    const end = as('cancelled', { reason, approvalId: 'a' });
    const { run, activities } = await setup({ rows: [as('waiting_for_confirmation', { approvalId: 'a' }), end] });
    await run.signal('confirmation_decided');
    expect(run.result()).toEqual({ value: end });
    expect(run.upserted()).toEqual(['CountersignOutcome=cancelled']);
    expect(activities.closeConfirmation).toHaveBeenCalledTimes(1);
  });
});

describe('signals', () => {
  test.each(NOTES)('%s only makes it read its row: what stands there counts', async (signal) => {
    const { run, activities } = await setup({ rows: WITH_CODE });
    await run.signal(signal);
    await run.signal(signal);
    expect(activities.beginOnboarding.mock.calls).toEqual([[INPUT], [INPUT], [INPUT]]);
    expect(run.result()).toEqual({ value: as('enabled') });
  });

  test.each(NOTES)('%s without any change changes nothing, and the same timer goes on', async (signal) => {
    const { run } = await setup({ rows: [as('waiting_for_code')] });
    await run.skip(HOUR);
    await run.signal(signal);
    expect(run.result()).toBeUndefined();
    expect(run.timers()).toMatchObject([{ inMs: DAY - HOUR }]);
  });

  const orders = NOTES.flatMap((first) => NOTES.filter((second) => second !== first).map((second) => [first, second]));
  test.each(orders)('%s before %s: the order in which they come does not matter', async (first, second) => {
    const { run } = await setup({ rows: WITHOUT_DEVICE.slice(1) });
    await run.signal(first);
    await run.signal(second);
    expect(run.result()).toEqual({ value: WITHOUT_DEVICE.at(-1) });
  });

  test('one that comes before the first task is not lost, and costs no second reading', async () => {
    const { run, activities } = await setup({
      rows: [as('waiting_for_confirmation', { approvalId: 'a' }), as('enabled')],
      before: [signalJob('device_registration_complete')],
    });
    expect(activities.beginOnboarding).toHaveBeenCalledTimes(1);
    expect(await run.query('state')).toMatchObject({ status: 'waiting_for_confirmation' });
    await run.signal('confirmation_decided');
    expect(run.result()).toMatchObject({ value: { status: 'enabled' } });
  });

  test('many that come at once are one reading', async () => {
    const { activities } = await setup({ before: [...NOTES, ...NOTES].map((name) => signalJob(name)) });
    expect(activities.beginOnboarding).toHaveBeenCalledTimes(1);
  });

  test('one that comes while the row is read has it read once more', async () => {
    let answer!: (state: OnboardingState) => void;
    const { run, activities } = await setup({
      beginOnboarding: () => new Promise<OnboardingState>((resolve) => (answer = resolve)),
    });
    await run.signal('code_accepted');
    expect(activities.beginOnboarding).toHaveBeenCalledTimes(1);
    answer(as('waiting_for_code'));
    await run.settle();
    expect(activities.beginOnboarding).toHaveBeenCalledTimes(2);
    answer(as('enabled'));
    await run.settle();
    expect(run.result()).toEqual({ value: as('enabled') });
  });
});

describe('time', () => {
  test('the deadline expires it, not a millisecond earlier', async () => {
    const { run, activities } = await setup();
    await run.skip(DAY - 1);
    expect(activities.recordOnboardingTime).not.toHaveBeenCalled();
    await run.skip(1);
    expect(run.result()).toEqual({ value: as('expired') });
    expect(run.upserted()).toEqual(['CountersignOutcome=expired']);
  });

  test('the reminder comes first, and then the deadline', async () => {
    const { run, activities } = await setup({ rows: [as('waiting_for_code', { remindInMs: HOUR })] });
    activities.recordOnboardingTime.mockResolvedValueOnce(as('waiting_for_code', { remainingMs: DAY - HOUR }));
    await run.skip(HOUR - 1);
    expect(activities.recordOnboardingTime).not.toHaveBeenCalled();
    await run.skip(1);
    expect(activities.recordOnboardingTime).toHaveBeenCalledTimes(1);
    expect(run.timers()).toMatchObject([{ inMs: DAY - HOUR }]);
    await run.skip(DAY - HOUR);
    expect(run.result()).toEqual({ value: as('expired') });
  });

  test('a reminder sends the link once more', async () => {
    const { run, activities } = await setup({ rows: [{ ...sent(1), remindInMs: HOUR }] });
    activities.recordOnboardingTime.mockResolvedValueOnce(
      as('waiting_for_device', { linkSms: { state: 'waiting', round: 2 }, remainingMs: DAY - HOUR }),
    );
    activities.sendInstallLink.mockResolvedValue({ state: 'sent', round: 2 });
    await run.skip(HOUR);
    expect(activities.sendInstallLink).toHaveBeenCalledTimes(1);
    expect(await run.query('state')).toMatchObject({ linkSms: { state: 'sent', round: 2 } });
  });

  test('where the clock of the database says "not yet", the rest is waited for', async () => {
    const { run, activities } = await setup();
    activities.recordOnboardingTime.mockResolvedValueOnce(as('waiting_for_method', { remainingMs: 2_500 }));
    await run.skip(DAY + 2_499);
    expect(run.result()).toBeUndefined();
    await run.skip(1);
    expect(run.result()).toEqual({ value: as('expired') });
  });

  test('a clock that stands still is asked once a second, and never spun on', async () => {
    const { run, activities } = await setup({
      recordOnboardingTime: async () => as('waiting_for_method', { remainingMs: 0, remindInMs: 0 }),
    });
    await run.skip(DAY + 60_000);
    expect(activities.recordOnboardingTime).toHaveBeenCalledTimes(61);
  });

  test('one that expires while it is confirmed closes the confirmation', async () => {
    const { run, activities } = await setup({
      rows: [as('waiting_for_confirmation', { approvalId: 'a' })],
      recordOnboardingTime: async () => as('expired', { approvalId: 'a' }),
    });
    await run.skip(DAY);
    expect(activities.closeConfirmation.mock.calls).toEqual([[INPUT]]);
    expect(run.result()).toMatchObject({ value: { status: 'expired' } });
  });

  test('the timer says in a sentence what it is for', async () => {
    const { run } = await setup();
    expect(run.timers()).toEqual([{ inMs: DAY, summary: 'The onboarding expires at 2026-05-05 10:00:00 UTC' }]);
    const reminded = await setup({ rows: [as('waiting_for_code', { remindInMs: HOUR })] });
    expect(reminded.run.timers()).toEqual([
      { inMs: HOUR, summary: 'The person is reminded at 2026-05-04 11:00:00 UTC' },
    ]);
  });
});

test.each(['enabled', 'expired', 'cancelled'] as const)('one that is %s already ends at once', async (status) => {
  const { run, activities } = await setup({ rows: [as(status)] });
  expect(run.result()).toEqual({ value: as(status) });
  expect(activities.sendInstallLink).not.toHaveBeenCalled();
  expect(activities.recordOnboardingTime).not.toHaveBeenCalled();
});

test('an onboarding that does not exist fails its workflow, once', async () => {
  const { run } = await setup({
    beginOnboarding: async () => Promise.reject(ApplicationFailure.nonRetryable('none', 'onboarding_not_found')),
  });
  expect(run.result()?.error).toMatchObject({ cause: { type: 'onboarding_not_found' } });
});

describe('what an operator reads in the Temporal UI', () => {
  const METADATA = '__temporal_workflow_metadata';
  const details = async (state: OnboardingState): Promise<string> => {
    const { run } = await setup({ rows: [state] });
    return ((await run.query(METADATA)) as { currentDetails: string }).currentDetails;
  };

  test.each([
    [as('waiting_for_method', { method: null }), '**Waiting for the back end to choose a method** until 2026-05-05'],
    [sent(), 'register a device** until 2026-05-05 10:00:00 UTC. Method: push.\n\nThe text message'],
    [as('waiting_for_confirmation'), 'confirm on the device**'],
    [as('waiting_for_code', { method: 'totp' }), '**Waiting for the first code** until 2026-05-05 10:00:00 UTC.'],
    [as('waiting_for_code'), '*Request Cancellation* cancels the onboarding.'],
    [as('enabled'), 'Two-factor authentication is **enabled**. Method: push.'],
    [as('cancelled', { reason: 'replaced' }), 'The onboarding is **cancelled** (replaced).'],
    [as('expired'), 'The onboarding is **expired**'],
  ])('%j', async (state, text) => {
    expect(await details(state)).toContain(text);
  });

  test('every signal and query says what it does', async () => {
    const { run } = await setup();
    const { definition } = (await run.query(METADATA)) as {
      definition: Record<'signalDefinitions' | 'queryDefinitions', { name: string; description?: string }[]>;
    };
    const ours = [...definition.signalDefinitions, ...definition.queryDefinitions].filter(
      ({ name }) => !name.startsWith('__'),
    );
    expect(ours.map(({ name }) => name).sort()).toEqual([...NOTES, 'cancel', 'state'].sort());
    for (const { description } of ours) expect(description).toMatch(/\w+ \w+/);
  });
});
