import { jest } from '@jest/globals';
import type { ApprovalActivities } from '../../activities/approval';
import type { ApprovalState } from '../../workflows/approval.messages';
import { createSandbox } from './sandbox';
import type { Sandbox } from './sandbox';

export const INPUT = { tenantId: 'tenant', approvalId: 'one' };
export const MINUTES_3 = 180_000;
export const ANSWER = { answer: 'a.signed.answer' };

const NAMES = [
  'begin',
  'notifyDevices',
  'recordPushFailure',
  'recordAnswer',
  'recordExpiry',
  'recordCancellation',
  'tryToTellApprovers',
  'tellApprovers',
  'tryCallback',
  'deliverCallback',
  'keepCallback',
] as const satisfies readonly (keyof ApprovalActivities)[];

let sandbox: Sandbox;

/** For beforeAll: bundles the workflows, which can take seconds. */
export async function openSandbox(): Promise<void> {
  sandbox = await createSandbox(NAMES);
}

/** For afterAll. */
export const closeSandbox = () => sandbox.close();

/** What an activity answers with. */
export const as = (status: ApprovalState['status'], more: Partial<ApprovalState> = {}): ApprovalState => ({
  id: 'one',
  status,
  expiresAt: '2026-05-04T10:03:00.000Z',
  remainingMs: MINUTES_3,
  push: { state: 'sent', round: 0 },
  callback: { state: status === 'pending' ? 'none' : 'waiting' },
  ...more,
});
export const notPushed = (round = 0) => as('pending', { push: { state: 'waiting', round } });
/** Two of three have to approve. */
export const ofThree = (status: ApprovalState['status'], approved = 0, more: Partial<ApprovalState> = {}) =>
  as(status, {
    progress: { required: 2, people: 3, asked: 3, approved, denied: 0, missing: 2 - approved },
    ...more,
  });
/** How a run ends. */
export const ended = (status: ApprovalState['status'], callback: ApprovalState['callback']['state'] = 'delivered') => ({
  value: as(status, { callback: { state: callback } }),
});

/** Everything goes well by default: the push arrives, answers approve, time expires, the back end takes the callback. */
export async function setup({
  before = [],
  ...instead
}: Partial<ApprovalActivities> & { before?: Parameters<Sandbox['start']>[3] } = {}) {
  const activities = {
    begin: jest.fn<ApprovalActivities['begin']>(async () => as('pending')),
    notifyDevices: jest.fn<ApprovalActivities['notifyDevices']>(async () => ({ state: 'sent', round: 0 })),
    recordPushFailure: jest.fn<ApprovalActivities['recordPushFailure']>(async () => {}),
    recordAnswer: jest.fn<ApprovalActivities['recordAnswer']>(async () => as('approved')),
    recordExpiry: jest.fn<ApprovalActivities['recordExpiry']>(async () => as('expired')),
    recordCancellation: jest.fn<ApprovalActivities['recordCancellation']>(async () => as('cancelled')),
    tryToTellApprovers: jest.fn<ApprovalActivities['tryToTellApprovers']>(async () => true),
    tellApprovers: jest.fn<ApprovalActivities['tellApprovers']>(async () => {}),
    tryCallback: jest.fn<ApprovalActivities['tryCallback']>(async () => 'delivered'),
    deliverCallback: jest.fn<ApprovalActivities['deliverCallback']>(async () => 'delivered'),
    keepCallback: jest.fn<ApprovalActivities['keepCallback']>(async () => 'failed'),
  };
  for (const [name, replacement] of Object.entries(instead)) {
    activities[name as keyof typeof activities].mockImplementation(replacement as never);
  }
  const run = await sandbox.start('approval', INPUT, activities, before);
  return { run, activities };
}

/** An activity that answers when the test says so. */
export function onDemand<T>() {
  let answer!: (value: T) => void;
  let fail!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => ([answer, fail] = [yes, no]));
  return { activity: () => promise, answer, fail };
}
