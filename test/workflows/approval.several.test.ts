import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeApproval } from '../../workflows/approval.descriptions';
import { ANSWER, closeSandbox, INPUT, MINUTES_3, ofThree, openSandbox, setup } from './approval.setup';

beforeAll(openSandbox, 60_000);
afterAll(closeSandbox);

const asked = { begin: async () => ofThree('pending') };

test('an answer that does not decide leaves the approval waiting, until one does; then the others are told', async () => {
  const { run, activities } = await setup(asked);
  activities.recordAnswer.mockResolvedValueOnce(ofThree('pending', 1));
  activities.recordAnswer.mockResolvedValueOnce(ofThree('approved', 2));
  await run.signal('approve', ANSWER);
  expect(await run.query('state')).toMatchObject({ status: 'pending', progress: { approved: 1, missing: 1 } });
  expect(activities.tryToTellApprovers).not.toHaveBeenCalled();
  await run.signal('approve', ANSWER);
  expect(run.result()).toMatchObject({ value: { status: 'approved', callback: { state: 'delivered' } } });
  expect(activities.tryToTellApprovers).toHaveBeenCalledWith(INPUT);
  expect(activities.tellApprovers).not.toHaveBeenCalled();
});

test('operators read how far they are, in numbers', () => {
  const removed = { required: 2, people: 2, asked: 3, approved: 1, denied: 0, missing: 1 };
  expect(describeApproval(ofThree('pending', 0, { progress: removed }))).toMatch(
    /^\*\*Waiting for 1 more of 2 approvals\*\* until .*\. Of 3 people 1 approved and 0 denied\. 1 removed since\.\n/,
  );
  expect(describeApproval(ofThree('approved', 2))).toContain('**approved**. Of 3 people 2 approved and 0 denied.');
});

test('the deadline is not moved by answers', async () => {
  const { run, activities } = await setup(asked);
  activities.recordAnswer.mockResolvedValueOnce(ofThree('pending', 1));
  activities.recordExpiry.mockResolvedValueOnce(ofThree('expired', 1));
  await run.skip(60_000);
  await run.signal('approve', ANSWER);
  await run.skip(MINUTES_3 - 60_001);
  expect(activities.recordExpiry).not.toHaveBeenCalled();
  await run.skip(1);
  expect(run.result()).toMatchObject({ value: { status: 'expired' } });
});

test('a timer that comes before the database says so is followed by another one', async () => {
  const { run, activities } = await setup(asked);
  activities.recordExpiry.mockResolvedValueOnce(ofThree('pending', 0, { remainingMs: 400 }));
  activities.recordExpiry.mockResolvedValueOnce(ofThree('expired'));
  await run.skip(MINUTES_3);
  expect(activities.recordExpiry).toHaveBeenCalledTimes(1);
  await run.skip(1_000);
  expect(run.result()).toMatchObject({ value: { status: 'expired' } });
});

test('a removal that leaves enough people is looked at, and changes nothing else', async () => {
  const { run, activities } = await setup(asked);
  await run.signal('look');
  expect(activities.begin).toHaveBeenCalledTimes(2);
  expect(await run.query('state')).toMatchObject({ status: 'pending' });
});

test('phones that cannot be told at once are told with patience, and the callback does not wait for them', async () => {
  const { run, activities } = await setup({ ...asked, tryToTellApprovers: async () => false });
  activities.recordAnswer.mockResolvedValueOnce(ofThree('approved', 2, { callback: { state: 'waiting' } }));
  await run.signal('approve', ANSWER);
  expect(activities.tryCallback).toHaveBeenCalled();
  expect(activities.tellApprovers).toHaveBeenCalledTimes(1);
  expect(run.result()).toMatchObject({ value: { status: 'approved', callback: { state: 'delivered' } } });
});

test('phones that are never told fail nothing', async () => {
  const { run, activities } = await setup({
    ...asked,
    tryToTellApprovers: async () => false,
    tellApprovers: async () => {
      throw new Error('the push service is away');
    },
  });
  activities.recordAnswer.mockResolvedValueOnce(ofThree('approved', 2));
  await run.signal('approve', ANSWER);
  await run.skip(120_000);
  expect(run.result()).toMatchObject({ value: { status: 'approved' } });
});

test("Temporal's own Cancel cancels it, and the others are told", async () => {
  const { run, activities } = await setup(asked);
  activities.recordCancellation.mockResolvedValueOnce(ofThree('cancelled'));
  await run.cancel();
  expect(run.result()).toMatchObject({ value: { status: 'cancelled' } });
  expect(activities.tryToTellApprovers).toHaveBeenCalledTimes(1);
});
