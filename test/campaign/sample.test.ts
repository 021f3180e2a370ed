import { afterEach, expect, test } from '@jest/globals';
import { LEAST_IN_FLIGHT, startCampaign } from './campaign';
import type { Campaign, CampaignOptions, KillRecord } from './campaign';
import { seeded } from './load';
import type { PartName } from './places';
import { POINTS } from './points';

const SAMPLE: readonly [point: string, part: PartName][] = [
  ['after commit of a creation', 'program'],
  ['before commit of an answer', 'postgres'],
  ['after commit of an onboarding device', 'program'],
  ['before SignalWorkflowExecution', 'temporal'],
  ['after commit of a delivered webhook', 'postgres'],
  ['before SignalWithStart of a drain', 'temporal'],
];

let campaign: Campaign | undefined;
afterEach(() => campaign?.close(), 120_000);

async function runAll(kills: readonly [string, PartName][], options: Omit<CampaignOptions, 'random'> = {}) {
  campaign = await startCampaign({ random: seeded(1), ...options });
  const records: KillRecord[] = [];
  for (const [name, part] of kills) {
    const point = POINTS.find((one) => one.name === name)!;
    records.push(await campaign.run({ point, part }));
  }
  return records;
}

test('parts are killed in the middle of their work, and nothing is lost or doubled', async () => {
  const records = await runAll(SAMPLE);
  expect(records.flatMap(({ point, part, faults }) => faults.map((fault) => ({ point, part, fault })))).toEqual([]);
  expect(records.map(({ point, reached }) => [point, reached])).toEqual(SAMPLE.map(([point]) => [point, true]));
  for (const { flowsInFlight, approvals, webhooks } of records) {
    expect(flowsInFlight).toBeGreaterThanOrEqual(LEAST_IN_FLIGHT);
    expect(approvals).toBeGreaterThan(0);
    expect(webhooks).toBeGreaterThan(0);
  }
  expect(records.some(({ onboardings }) => onboardings > 0)).toBe(true);
}, 240_000);

test('without the lock of the row, decisions are doubled, and it is found', async () => {
  const [record] = await runAll([['before commit of a cancellation', 'postgres']], { without: 'row-lock' });
  expect(campaign!.safeguardMet()).toBeGreaterThan(0);
  expect(record!.faults).toContainEqual(
    expect.objectContaining({ kind: 'doubled', rule: 'more than one decision is recorded' }),
  );
}, 120_000);
