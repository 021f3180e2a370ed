import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { WebhookDrainActivities } from '../../activities/webhookDrain';
import { createSandbox, signalJob } from './sandbox';
import type { Sandbox } from './sandbox';

const INPUT = { tenantId: 'tenant', target: 'endpoint' };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox(['drainBatch']);
}, 60_000);
afterAll(() => sandbox?.close());

/** Each batch says in how many ms the next delivery is due; after the last of them nothing is. */
async function setup(...nextInMs: number[]) {
  const drainBatch = jest.fn<WebhookDrainActivities['drainBatch']>(async () => ({
    nextInMs: nextInMs.shift() ?? null,
  }));
  const start = (before = [signalJob('poke')]) => sandbox.start('webhookDrain', INPUT, { drainBatch }, before);
  return { drainBatch, start };
}

test('tells what is due and ends when nothing is', async () => {
  const { drainBatch, start } = await setup();
  const run = await start();
  expect(drainBatch.mock.calls).toEqual([[INPUT]]);
  expect(run.result()).toEqual({ value: undefined });
});

test('goes on at once while more is due', async () => {
  const { drainBatch, start } = await setup(0, 0);
  const run = await start();
  expect(drainBatch).toHaveBeenCalledTimes(3);
  expect(run.result()).toEqual({ value: undefined });
});

test('waits for what is due later', async () => {
  const { drainBatch, start } = await setup(300_000);
  const run = await start();
  await run.skip(299_999);
  expect(drainBatch).toHaveBeenCalledTimes(1);
  expect(run.result()).toBeUndefined();
  await run.skip(1);
  expect(drainBatch).toHaveBeenCalledTimes(2);
  expect(run.result()).toEqual({ value: undefined });
});

test('looks at once when it is poked while it waits', async () => {
  const { drainBatch, start } = await setup(300_000, 240_000);
  const run = await start();
  await run.skip(60_000);
  await run.signal('poke');
  expect(drainBatch).toHaveBeenCalledTimes(2);
  expect(run.timers().map(({ inMs }) => inMs)).toEqual([240_000]);
  await run.skip(240_000);
  expect(drainBatch).toHaveBeenCalledTimes(3);
  expect(run.result()).toEqual({ value: undefined });
});

test('looks once more when it is poked during a batch, however often', async () => {
  let finish = () => {};
  const first = new Promise<void>((resolve) => (finish = resolve));
  const drainBatch = jest.fn<WebhookDrainActivities['drainBatch']>(async () => {
    if (drainBatch.mock.calls.length === 1) await first;
    return { nextInMs: null };
  });
  const run = await sandbox.start('webhookDrain', INPUT, { drainBatch });
  for (let i = 0; i < 5; i++) await run.signal('poke');
  expect(drainBatch).toHaveBeenCalledTimes(1);
  finish();
  await run.settle();
  await run.settle();
  expect(drainBatch).toHaveBeenCalledTimes(2);
  expect(run.result()).toEqual({ value: undefined });
});

test('continues as new when its history has grown long, with what it was started for', async () => {
  const { drainBatch, start } = await setup(300_000, 300_000);
  const run = await start();
  run.suggestContinueAsNew();
  await run.skip(300_000);
  expect(drainBatch).toHaveBeenCalledTimes(2);
  expect(run.result()).toEqual({ continuedWith: INPUT });
});
