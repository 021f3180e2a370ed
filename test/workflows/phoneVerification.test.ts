import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { PhoneVerificationActivities } from '../../activities/phoneVerification';
import type { PhoneVerificationState, VerificationMessage } from '../../workflows/phoneVerification.messages';
import { createSandbox } from './sandbox';
import type { Sandbox } from './sandbox';

const INPUT = { tenantId: 'tenant', verificationId: 'one' };
const TEN_MINUTES = 600_000;

const NAMES = [
  'readPhoneVerification',
  'sendVerification',
  'recordVerificationFailure',
  'recordPhoneVerificationCancellation',
] as const satisfies readonly (keyof PhoneVerificationActivities)[];

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox(NAMES);
}, 60_000);
afterAll(() => sandbox?.close());

/** What an activity answers with. */
const as = (
  status: PhoneVerificationState['status'],
  message: Partial<VerificationMessage> = {},
): PhoneVerificationState => ({
  id: 'one',
  status,
  expiresAt: '2026-05-05T10:00:00.000Z',
  remainingMs: TEN_MINUTES,
  attempts: 0,
  message: { channel: 'sms', state: 'sent', round: 1, ...message },
});

/** `rows` are read one after the other, the last one again and again. The carrier takes what patience brings it. */
async function setup(
  rows = [as('pending')],
  sendVerification: PhoneVerificationActivities['sendVerification'] = async () => {},
) {
  const left = [...rows];
  const activities = {
    readPhoneVerification: jest.fn<PhoneVerificationActivities['readPhoneVerification']>(async () =>
      left.length > 1 ? left.shift()! : left[0]!,
    ),
    sendVerification: jest.fn(sendVerification),
    recordVerificationFailure: jest.fn<PhoneVerificationActivities['recordVerificationFailure']>(async () => {}),
    recordPhoneVerificationCancellation: jest.fn<PhoneVerificationActivities['recordPhoneVerificationCancellation']>(
      async () => as('expired'),
    ),
  };
  return { activities, run: await sandbox.start('phoneVerification', INPUT, activities) };
}

describe('a verification', () => {
  test('whose code was typed ends as verified', async () => {
    const { run, activities } = await setup([as('pending'), as('verified')]);
    expect(run.result()).toBeUndefined();
    await run.signal('code_checked');
    expect(run.result()).toEqual({ value: as('verified') });
    expect(activities.sendVerification).not.toHaveBeenCalled();
  });

  test('expires in silence after ten minutes, and not before', async () => {
    const { run, activities } = await setup([as('pending'), as('expired')]);
    await run.skip(TEN_MINUTES - 1);
    expect(activities.readPhoneVerification).toHaveBeenCalledTimes(1);
    await run.skip(1);
    expect(run.result()).toEqual({ value: as('expired') });
  });

  test('waits on where the clock of the database says that it is too early', async () => {
    const { run } = await setup([as('pending'), { ...as('pending'), remainingMs: 0 }, as('expired')]);
    await run.skip(TEN_MINUTES);
    expect(run.result()).toBeUndefined();
    await run.skip(1_000);
    expect(run.result()).toEqual({ value: as('expired') });
  });

  test('keeps its deadline, however often a message is asked for', async () => {
    const rows = [1, 2, 3, 4].map((round) => as('pending', { round }));
    const { run, activities } = await setup([...rows, as('expired')]);
    for (let n = 0; n < 3; n++) {
      await run.skip(TEN_MINUTES / 4);
      await run.signal('resend');
    }
    expect(activities.readPhoneVerification).toHaveBeenCalledTimes(4);
    await run.skip(TEN_MINUTES / 4);
    expect(run.result()).toEqual({ value: as('expired') });
  });

  test('is not ended by a signal that somebody typed', async () => {
    const { run, activities } = await setup();
    await run.signal('code_checked', 'verified!');
    await run.signal('look');
    expect(run.result()).toBeUndefined();
    expect(activities.readPhoneVerification).toHaveBeenCalledTimes(3);
  });

  test('is ended by Cancel of Temporal, as something that may be repeated', async () => {
    const { run, activities } = await setup();
    await run.cancel();
    expect(run.result()).toEqual({ value: as('expired') });
    expect(activities.recordPhoneVerificationCancellation.mock.calls).toEqual([[INPUT]]);
  });
});

test('tells an operator what it waits for, and how it ended', async () => {
  const { run } = await setup([as('pending'), as('verified')]);
  expect(await run.query('state')).toEqual(as('pending'));
  expect(run.timers()).toEqual([{ inMs: TEN_MINUTES, summary: 'The code expires at 2026-05-05 10:00:00 UTC' }]);
  await run.signal('code_checked');
  expect(run.upserted()).toEqual([]);
  const silent = await setup([as('pending'), as('expired')]);
  await silent.run.skip(TEN_MINUTES);
  expect(silent.run.upserted()).toEqual(['CountersignOutcome=expired']);
});

describe('a message that the carrier did not take at once', () => {
  const waiting = (round = 1) => as('pending', { state: 'waiting', round });

  test('is sent with patience, and then looked at', async () => {
    const { run, activities } = await setup([waiting(), as('pending')]);
    expect(activities.sendVerification.mock.calls).toEqual([[INPUT]]);
    expect(activities.readPhoneVerification).toHaveBeenCalledTimes(2);
    expect(run.result()).toBeUndefined();
  });

  test('holds up nobody who has the code already', async () => {
    const { run } = await setup([waiting(), as('verified')], () => new Promise(() => {}));
    await run.signal('code_checked');
    expect(run.result()).toEqual({ value: as('verified') });
  });

  test('is given up as a fact, of the round that was tried', async () => {
    const failed = as('pending', { state: 'failed', round: 2 });
    const { run, activities } = await setup([waiting(2), failed], () => Promise.reject(new Error('503')));
    expect(activities.recordVerificationFailure.mock.calls).toEqual([[{ ...INPUT, round: 2 }]]);
    expect(activities.sendVerification).toHaveBeenCalledTimes(1);
    expect(run.result()).toBeUndefined();
  });

  test('is followed by a later one, where that was asked for meanwhile', async () => {
    const { activities } = await setup([waiting(), waiting(2), as('pending', { round: 2 })]);
    expect(activities.sendVerification).toHaveBeenCalledTimes(2);
  });
});
