import { jest } from '@jest/globals';
import type { OnboardingActivities } from '../../activities/onboarding';
import type { OnboardingState } from '../../workflows/onboarding.messages';
import { createSandbox } from './sandbox';
import type { Sandbox } from './sandbox';

export const INPUT = { tenantId: 'tenant', onboardingId: 'one' };
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

const NAMES = [
  'beginOnboarding',
  'sendInstallLink',
  'recordLinkFailure',
  'recordOnboardingTime',
  'recordOnboardingCancellation',
  'closeConfirmation',
] as const satisfies readonly (keyof OnboardingActivities)[];

let sandbox: Sandbox;

/** For beforeAll: bundles the workflows, which can take seconds. */
export async function openSandbox(): Promise<void> {
  sandbox = await createSandbox(NAMES);
}

/** For afterAll. */
export const closeSandbox = () => sandbox.close();

/** What an activity answers with. */
export const as = (status: OnboardingState['status'], more: Partial<OnboardingState> = {}): OnboardingState => ({
  id: 'one',
  status,
  reason: null,
  method: 'push',
  expiresAt: '2026-05-05T10:00:00.000Z',
  remainingMs: DAY,
  remindInMs: null,
  linkSms: { state: 'none', round: 0 },
  approvalId: null,
  ...more,
});
/** Waits for a device, and its text message was not taken at once. */
export const notSent = (round = 1) => as('waiting_for_device', { linkSms: { state: 'waiting', round } });
export const sent = (round = 1) => as('waiting_for_device', { linkSms: { state: 'sent', round } });

/**
 * The row as the workflow finds it: `rows` are read one after the other, the last one again and again. The carrier takes
 * what it is given, and time expires what is open, unless the test says otherwise.
 */
export async function setup({
  rows = [as('waiting_for_method')],
  before = [],
  ...instead
}: Partial<OnboardingActivities> & { rows?: OnboardingState[]; before?: Parameters<Sandbox['start']>[3] } = {}) {
  const left = [...rows];
  const activities = {
    beginOnboarding: jest.fn<OnboardingActivities['beginOnboarding']>(async () =>
      left.length > 1 ? left.shift()! : left[0]!,
    ),
    sendInstallLink: jest.fn<OnboardingActivities['sendInstallLink']>(async () => ({ state: 'sent', round: 1 })),
    recordLinkFailure: jest.fn<OnboardingActivities['recordLinkFailure']>(async () => {}),
    recordOnboardingTime: jest.fn<OnboardingActivities['recordOnboardingTime']>(async () => as('expired')),
    recordOnboardingCancellation: jest.fn<OnboardingActivities['recordOnboardingCancellation']>(async () =>
      as('cancelled', { reason: 'requested' }),
    ),
    closeConfirmation: jest.fn<OnboardingActivities['closeConfirmation']>(async () => {}),
  };
  for (const [name, replacement] of Object.entries(instead)) {
    activities[name as keyof typeof activities].mockImplementation(replacement as never);
  }
  const run = await sandbox.start('onboarding', INPUT, activities, before);
  return { run, activities };
}
