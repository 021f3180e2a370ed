import { ApplicationFailure } from '@temporalio/activity';
import type { Pool } from 'pg';
import { recordEvents } from '../db/events';
import type { Onboarding, OnboardingRows } from '../db/onboardings';
import type { TenantRows } from '../db/tenants';
import { inTransaction } from '../db/transaction';
import type { UserRows } from '../db/users';
import { isOpen } from '../domain/onboarding';
import type { InstallLinks } from '../services/installLinks';
import type { OnboardingSteps } from '../services/onboardingSteps';
import { isId } from '../services/text';
import type { LinkRound, OnboardingInput, OnboardingState } from '../workflows/onboarding.messages';
import { createCarry, PATIENT_MS } from './carry';
import type { SendingDeps } from './carry';
import { QUICK_MS } from './within';

export interface OnboardingActivityDeps extends SendingDeps {
  pool: Pool;
  onboardings: Pick<OnboardingRows, 'touch' | 'find' | 'recordLink'>;
  users: Pick<UserRows, 'find'>;
  tenants: Pick<TenantRows, 'find'>;
  steps: Pick<OnboardingSteps, 'recordTime' | 'recordCancellation' | 'closeConfirmation'>;
  links: Pick<InstallLinks, 'linkOf'>;
}

/** What the workflow `onboarding` does to the world. */
export function createOnboardingActivities(deps: OnboardingActivityDeps) {
  const { pool, onboardings, users, tenants, steps, links, carriers, health } = deps;
  const carry = createCarry(deps);

  /** Reads the row, which says at the same time that its workflow is alive. */
  async function touch({ tenantId, onboardingId }: OnboardingInput): Promise<Onboarding> {
    const onboarding = isId(tenantId) && isId(onboardingId) && (await onboardings.touch(pool, tenantId, onboardingId));
    // A workflow that somebody started by hand ends here, instead of asking for ever for a row that never comes.
    if (!onboarding) throw ApplicationFailure.nonRetryable('there is no such onboarding', 'onboarding_not_found');
    return onboarding;
  }

  /** Writes how the text message of a round fared, once, as a fact that the tenant and whoever waits is told. */
  const recordLink = (onboarding: Onboarding, state: 'sent' | 'failed'): Promise<void> =>
    inTransaction(pool, async (tx) => {
      if (!(await onboardings.recordLink(tx, onboarding, state))) return;
      const { tenantId, id, userId } = onboarding;
      const event = { type: `install_link_${state}` as const, onboardingId: id, userId };
      await recordEvents(tx, tenantId, [event], [{ kind: 'onboarding', id }]);
    });

  /** @throws when the carrier did not take the text message in time */
  async function sendLink(onboarding: Onboarding, withinMs: number): Promise<LinkRound> {
    const { tenantId, id, userId, linkRound: round } = onboarding;
    const [tenant, user] = await Promise.all([tenants.find(pool, tenantId), users.find(pool, tenantId, userId)]);
    if (!carriers.sms || !user?.phone) throw ApplicationFailure.nonRetryable('nobody to send it to', 'no_phone');
    // Each text message after the first one reminds, whoever asked for it.
    const text =
      `${round > 1 ? 'Reminder: ' : ''}${tenant!.name}: ` +
      `install the app and turn on two-factor authentication: ${links.linkOf(onboarding)}`;
    const message = { idempotencyKey: `install:${id}:${round}`, tenantId, to: user.phone, text };
    await carry(CHANNEL, carriers.sms, message, withinMs);
    await recordLink(onboarding, 'sent');
    return { state: 'sent', round };
  }

  /** Reads the row; where a link is due, it is tried once, quickly. */
  async function read(input: OnboardingInput): Promise<OnboardingState> {
    const onboarding = await touch(input);
    const state = toState(onboarding);
    if (!isLinkDue(onboarding) || !health.answeredWell(CHANNEL)) return state;
    try {
      return { ...state, linkSms: await sendLink(onboarding, QUICK_MS) };
    } catch {
      return state; // patience takes over, in sight of the operators
    }
  }

  return {
    /** Repeatable: the carrier drops a second text message with the same key. */
    beginOnboarding: read,

    /** Repeatable: for the same reason. Answers which round it sent; null once there is none to send. */
    async sendInstallLink({ tenantId, onboardingId }: OnboardingInput): Promise<LinkRound | null> {
      const onboarding = await onboardings.find(pool, tenantId, onboardingId);
      return onboarding && isLinkDue(onboarding) ? sendLink(onboarding, PATIENT_MS) : null;
    },

    /** Repeatable: the second time the state is there already. A later round has not failed yet. */
    async recordLinkFailure({ round, ...input }: OnboardingInput & Pick<LinkRound, 'round'>): Promise<void> {
      const onboarding = await onboardings.find(pool, input.tenantId, input.onboardingId);
      if (onboarding && isLinkDue(onboarding)) await recordLink({ ...onboarding, linkRound: round }, 'failed');
    },

    /** Repeatable: only what is open and past its deadline expires, and a reminder comes once. */
    async recordOnboardingTime(input: OnboardingInput): Promise<OnboardingState> {
      await steps.recordTime(input.tenantId, input.onboardingId);
      return read(input);
    },

    /** Repeatable: only what is open is cancelled. */
    async recordOnboardingCancellation(input: OnboardingInput): Promise<OnboardingState> {
      await touch(input);
      await steps.recordCancellation(input.tenantId, input.onboardingId);
      return toState(await touch(input));
    },

    /** Repeatable: only an approval that is open is cancelled. */
    async closeConfirmation(input: OnboardingInput): Promise<void> {
      await steps.closeConfirmation(await touch(input));
    },
  };
}
export type OnboardingActivities = ReturnType<typeof createOnboardingActivities>;

const CHANNEL = 'sms';

const isLinkDue = (onboarding: Onboarding) => isOpen(onboarding) && onboarding.linkState === 'waiting';

const toState = (onboarding: Onboarding): OnboardingState => ({
  id: onboarding.id,
  status: onboarding.status,
  reason: onboarding.reason,
  method: onboarding.method,
  expiresAt: new Date(onboarding.expiresAtMs).toISOString(),
  remainingMs: Math.max(0, onboarding.expiresAtMs - onboarding.readAtMs),
  remindInMs: onboarding.remindAtMs === null ? null : Math.max(0, onboarding.remindAtMs - onboarding.readAtMs),
  linkSms: { state: onboarding.linkState, round: onboarding.linkRound },
  approvalId: onboarding.approvalId,
});
