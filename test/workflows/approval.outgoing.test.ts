import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { ApprovalActivities } from '../../activities/approval';
import type { PushRound } from '../../workflows/approval.messages';
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

beforeAll(openSandbox, 60_000);
afterAll(closeSandbox);

describe('the push', () => {
  test('one that does not succeed at once is tried patiently, and no answer waits for it', async () => {
    const pushing = onDemand<never>();
    const { run, activities } = await setup({ begin: async () => notPushed(), notifyDevices: pushing.activity });
    expect(activities.notifyDevices).toHaveBeenCalledWith(INPUT);
    await run.signal('approve', ANSWER);
    expect(run.result()).toMatchObject({ value: { status: 'approved' } });
  });

  test('once it is out, the query says so, without another step', async () => {
    const { run, activities } = await setup({ begin: async () => notPushed() });
    expect(await run.query('state')).toMatchObject({ status: 'pending', push: { state: 'sent' } });
    expect(activities.begin).toHaveBeenCalledTimes(1);
    expect(run.timers()).toHaveLength(1);
  });

  test('when patience ends, that is written down once, and the approval waits on', async () => {
    const { run, activities } = await setup({
      begin: jest
        .fn<ApprovalActivities['begin']>()
        .mockResolvedValueOnce(notPushed())
        .mockResolvedValue(as('pending', { push: { state: 'failed', round: 0 } })),
      notifyDevices: async () => Promise.reject(new Error('gateway away')),
    });
    expect(activities.notifyDevices).toHaveBeenCalledTimes(1);
    expect(activities.recordPushFailure.mock.calls).toEqual([[{ ...INPUT, round: 0 }]]);
    expect(await run.query('state')).toMatchObject({ status: 'pending', push: { state: 'failed' } });
    await run.skip(MINUTES_3);
    expect(run.result()).toMatchObject({ value: { status: 'expired' } });
  });

  test('a failure that cannot be written down ends nothing', async () => {
    const { run } = await setup({
      begin: jest
        .fn<ApprovalActivities['begin']>()
        .mockResolvedValueOnce(notPushed())
        .mockResolvedValue(as('pending', { push: { state: 'failed', round: 0 } })),
      notifyDevices: async () => Promise.reject(new Error('gateway away')),
      recordPushFailure: async () => Promise.reject(ApplicationFailure.nonRetryable('no', 'no')),
    });
    await run.signal('approve', ANSWER);
    expect(run.result()).toMatchObject({ value: { status: 'approved' } });
  });

  test('a resend is read and pushed: `look`', async () => {
    const { run, activities } = await setup();
    activities.begin.mockResolvedValueOnce(as('pending', { push: { state: 'sent', round: 1 }, remainingMs: 90_000 }));
    await run.skip(90_000);
    await run.signal('look');
    expect(activities.begin).toHaveBeenCalledTimes(2);
    expect(await run.query('state')).toMatchObject({ push: { state: 'sent', round: 1 } });
    expect(run.timers()).toMatchObject([{ inMs: 90_000 }]);
  });

  test('a resend that comes during the patience for the round before is pushed when that has ended', async () => {
    const first = onDemand<never>();
    const { run, activities } = await setup({ begin: async () => notPushed(0), notifyDevices: first.activity });
    activities.begin.mockImplementation(async () => notPushed(1));
    await run.signal('look');
    expect(activities.notifyDevices).toHaveBeenCalledTimes(1);
    activities.notifyDevices.mockImplementation(async () => ({ state: 'sent', round: 1 }));
    first.fail(new Error('gateway away'));
    await run.settle();
    expect(activities.recordPushFailure.mock.calls).toEqual([[{ ...INPUT, round: 0 }]]);
    expect(activities.notifyDevices).toHaveBeenCalledTimes(2);
    expect(await run.query('state')).toMatchObject({ push: { state: 'sent', round: 1 } });
  });

  test('a resend that comes while the push before it is being taken is pushed after that', async () => {
    const first = onDemand<PushRound>();
    const { run, activities } = await setup({ begin: async () => notPushed(0), notifyDevices: first.activity });
    activities.begin.mockImplementation(async () => notPushed(1));
    await run.signal('look');
    activities.notifyDevices.mockImplementation(async () => ({ state: 'sent', round: 1 }));
    first.answer({ state: 'sent', round: 0 });
    await run.settle();
    expect(activities.notifyDevices).toHaveBeenCalledTimes(2);
    expect(await run.query('state')).toMatchObject({ push: { state: 'sent', round: 1 } });
  });

  test('a decision found by `look` ends the waiting', async () => {
    const { run, activities } = await setup();
    activities.begin.mockResolvedValueOnce(as('denied'));
    await run.signal('look');
    expect(run.result()).toEqual(ended('denied'));
  });
});

describe('the callback', () => {
  test('taken at once', async () => {
    const { run, activities } = await setup();
    await run.signal('approve', ANSWER);
    expect(activities.deliverCallback).not.toHaveBeenCalled();
    expect(run.result()).toEqual(ended('approved'));
  });

  test('none asked for: nobody is called', async () => {
    const { run, activities } = await setup({
      recordAnswer: async () => as('approved', { callback: { state: 'none' } }),
    });
    await run.signal('approve', ANSWER);
    expect(activities.tryCallback).not.toHaveBeenCalled();
    expect(run.result()).toEqual(ended('approved', 'none'));
  });

  test('not taken at once: tried patiently, and the query tells it meanwhile', async () => {
    const delivering = onDemand<'delivered'>();
    const { run, activities } = await setup({
      tryCallback: async () => 'waiting',
      deliverCallback: delivering.activity,
    });
    await run.signal('approve', ANSWER);
    expect(await run.query('state')).toMatchObject({ status: 'approved', callback: { state: 'waiting' } });
    delivering.answer('delivered');
    await run.settle();
    expect(run.result()).toEqual(ended('approved'));
    expect(activities.keepCallback).not.toHaveBeenCalled();
  });

  test('not taken within the patience: kept with the reason, and the approval closes', async () => {
    const { run, activities } = await setup({
      tryCallback: async () => 'waiting',
      deliverCallback: async () => Promise.reject(new Error('the endpoint answered 503')),
    });
    await run.signal('deny', ANSWER);
    expect(activities.keepCallback.mock.calls).toEqual([[{ ...INPUT, reason: 'the endpoint answered 503' }]]);
    expect(run.result()).toEqual(ended('approved', 'failed'));
  });
});
