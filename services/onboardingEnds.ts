import type { Topic } from '../db/events';
import type { Onboarding, OnboardingRows } from '../db/onboardings';
import type { Tx } from '../db/transaction';
import type { NewEvent } from '../domain/event';
import type { Method } from '../domain/method';
import { isOverdue } from '../domain/onboarding';
import type { CancelReason } from '../domain/onboarding';
import type { Methods } from './methods';
import { topicOf } from './topics';

/** What a change wrote, for the caller to record as the last statement of the transaction. */
export interface Written {
  events: NewEvent[];
  wake: Topic[];
}

export interface Ended extends Written {
  onboarding: Onboarding;
}

export interface OnboardingEndDeps {
  onboardings: Pick<OnboardingRows, 'close'>;
  methods: Pick<Methods, 'enable'>;
}

/**
 * The three ways in which an onboarding ends, each within the caller's transaction, which holds it and knows that it is
 * open. Each has one closing event.
 */
export function createOnboardingEnds({ onboardings, methods }: OnboardingEndDeps) {
  async function expire(tx: Tx, before: Onboarding, atMs = before.readAtMs): Promise<Ended> {
    const onboarding = await onboardings.close(tx, before, { status: 'expired', reason: null, atMs });
    return ended(onboarding, { type: 'onboarding_expired' });
  }

  return {
    expire,

    /** With the method that was confirmed, which the user has from then on. */
    async enable(tx: Tx, before: Onboarding, method: Method, atMs = before.readAtMs): Promise<Ended> {
      const { tenantId, userId } = before;
      const onboarding = await onboardings.close(tx, before, { status: 'enabled', reason: null, atMs });
      const isNew = await methods.enable(tx, tenantId, userId, method);
      return ended(onboarding, ...(isNew ? [{ type: 'method_enabled' as const, data: { method } }] : []), {
        type: 'two_factor_enabled',
        data: { method },
      });
    },

    /** Past its deadline it is expired instead: that came first. */
    async cancel(tx: Tx, before: Onboarding, reason: CancelReason, atMs = before.readAtMs): Promise<Ended> {
      if (isOverdue(before, atMs)) return expire(tx, before, atMs);
      const onboarding = await onboardings.close(tx, before, { status: 'cancelled', reason, atMs });
      return ended(onboarding, { type: 'onboarding_cancelled', data: { reason } });
    },
  };
}
export type OnboardingEnds = ReturnType<typeof createOnboardingEnds>;

const ended = (onboarding: Onboarding, ...events: NewEvent[]): Ended => {
  const about = { userId: onboarding.userId, onboardingId: onboarding.id };
  return { onboarding, events: events.map((event) => ({ ...event, ...about })), wake: [topicOf(onboarding)] };
};
