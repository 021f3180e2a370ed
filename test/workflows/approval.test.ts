import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { ANSWER, as, closeSandbox, ended, INPUT, MINUTES_3, openSandbox, setup } from './approval.setup';
import { signalJob } from './sandbox';

beforeAll(openSandbox, 60_000);
afterAll(closeSandbox);

describe('time', () => {
  test('silence until the deadline expires the approval, not a millisecond earlier', async () => {
    const { run, activities } = await setup();
    await run.skip(MINUTES_3 - 1);
    expect(activities.recordExpiry).not.toHaveBeenCalled();
    await run.skip(1);
    expect(run.result()).toEqual(ended('expired'));
    expect(activities.tryCallback).toHaveBeenCalledTimes(1);
  });

  test('where the clock of the database says "not yet", the rest is waited for', async () => {
    const early = as('pending', { remainingMs: 2_500 });
    const { run, activities } = await setup();
    activities.recordExpiry.mockResolvedValueOnce(early);
    await run.skip(MINUTES_3 + 2_499);
    expect(run.result()).toBeUndefined();
    expect(activities.recordExpiry).toHaveBeenCalledTimes(1);
    await run.skip(1);
    expect(run.result()).toEqual(ended('expired'));
  });

  test('a clock that stands still is asked once a second, and never spun on', async () => {
    const { run, activities } = await setup({ recordExpiry: async () => as('pending', { remainingMs: 0 }) });
    await run.skip(MINUTES_3 + 60_000);
    expect(activities.recordExpiry).toHaveBeenCalledTimes(61);
    expect(run.result()).toBeUndefined();
  });

  test('the timer says in a sentence what is waited for', async () => {
    const { run } = await setup();
    expect(run.timers()).toEqual([{ inMs: MINUTES_3, summary: 'Wait for an answer until 2026-05-04 10:03:00 UTC' }]);
  });
});

describe('answers', () => {
  test('a signed yes approves, and the back end is told', async () => {
    const { run, activities } = await setup();
    await run.signal('approve', ANSWER);
    expect(activities.recordAnswer).toHaveBeenCalledWith({ ...INPUT, ...ANSWER });
    expect(run.result()).toEqual(ended('approved'));
    expect(run.timers()).toEqual([]);
  });

  test('a signed no denies, and operators can search for it', async () => {
    const { run } = await setup({ recordAnswer: async () => as('denied') });
    await run.signal('deny', ANSWER);
    expect(run.result()).toEqual(ended('denied'));
    expect(run.upserted()).toEqual(['CountersignOutcome=denied']);
  });

  test('an approval that is approved costs no search attribute', async () => {
    const { run } = await setup();
    await run.signal('approve', ANSWER);
    expect(run.upserted()).toEqual([]);
  });

  test('a refused answer changes nothing: the same deadline is waited for', async () => {
    const { run, activities } = await setup();
    activities.recordAnswer.mockResolvedValueOnce(as('pending', { remainingMs: 100_000 }));
    await run.skip(80_000);
    await run.signal('approve', { answer: 'forged' });
    expect(run.result()).toBeUndefined();
    expect(run.timers()).toMatchObject([{ inMs: 100_000 }]);
    await run.skip(99_999);
    expect(activities.recordExpiry).not.toHaveBeenCalled();
    await run.skip(1);
    expect(run.result()).toEqual(ended('expired'));
  });

  test('several answers are judged one after the other, in their order, until one decides', async () => {
    const { run, activities } = await setup({
      before: ['first', 'second', 'third'].map((answer) => signalJob('approve', { answer })),
      recordAnswer: async ({ answer }) => as(answer === 'second' ? 'approved' : 'pending'),
    });
    expect(activities.recordAnswer.mock.calls.map(([{ answer }]) => answer)).toEqual(['first', 'second']);
    expect(run.result()).toEqual(ended('approved'));
  });

  test('an answer that is there before the first task is not lost', async () => {
    const { run, activities } = await setup({ before: [signalJob('approve', ANSWER)] });
    expect(activities.begin).toHaveBeenCalledTimes(1);
    expect(run.result()).toEqual(ended('approved'));
  });

  test('a decision that is written already goes straight to the back end', async () => {
    const { run, activities } = await setup({ begin: async () => as('approved') });
    expect(activities.notifyDevices).not.toHaveBeenCalled();
    expect(activities.recordAnswer).not.toHaveBeenCalled();
    expect(run.result()).toEqual(ended('approved'));
  });

  test('an answer comes before a cancellation that is noted with it', async () => {
    const { run, activities } = await setup({ before: [signalJob('cancel'), signalJob('approve', ANSWER)] });
    expect(run.result()).toEqual(ended('approved'));
    expect(activities.recordCancellation).not.toHaveBeenCalled();
  });
});

describe('what an operator reads in the Temporal UI', () => {
  const METADATA = '__temporal_workflow_metadata';

  test('while it waits: until when, what became of the push, and what may be done', async () => {
    const { run } = await setup();
    const { currentDetails } = (await run.query(METADATA)) as { currentDetails: string };
    expect(currentDetails).toContain('**Waiting for an answer** until 2026-05-04 10:03:00 UTC.');
    expect(currentDetails).toContain('The push was sent.');
    expect(currentDetails).toContain('*Request Cancellation* withdraws');
  });

  test('after the end: the outcome, and whether the back end knows', async () => {
    const { run } = await setup();
    await run.signal('approve', ANSWER);
    const { currentDetails } = (await run.query(METADATA)) as { currentDetails: string };
    expect(currentDetails).toContain('The approval is **approved**.');
    expect(currentDetails).toContain('has taken the callback');
  });

  test('every signal and query says what it does', async () => {
    const { run } = await setup();
    const { definition } = (await run.query(METADATA)) as {
      definition: Record<'signalDefinitions' | 'queryDefinitions', { name: string; description?: string }[]>;
    };
    const ours = [...definition.signalDefinitions, ...definition.queryDefinitions].filter(
      ({ name }) => !name.startsWith('__'),
    );
    expect(ours.map(({ name }) => name).sort()).toEqual(['approve', 'cancel', 'deny', 'look', 'state']);
    for (const { description } of ours) expect(description).toMatch(/\w+ \w+/);
  });
});

test('an approval that does not exist fails its workflow, once', async () => {
  const { run } = await setup({
    begin: async () => Promise.reject(ApplicationFailure.nonRetryable('there is none', 'approval_not_found')),
  });
  expect(run.result()?.error).toBeDefined();
});
