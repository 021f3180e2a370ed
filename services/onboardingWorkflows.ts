import type { Onboarding } from '../db/onboardings';
import { readable } from '../domain/instant';
import { ONBOARDING_WORKFLOW, onboardingWorkflowId } from '../workflows/onboarding.messages';
import type { OnboardingInput } from '../workflows/onboarding.messages';
import { createAccompaniment } from './accompaniment';
import type { Engine } from './accompaniment';

/** What the workflow of an onboarding is told; it then reads its row. */
export type OnboardingSignal =
  'device_registration_complete' | 'method_chosen' | 'code_accepted' | 'confirmation_decided' | 'cancel' | 'look';

/** Starts the workflows of onboardings and tells them what happened. Nobody waits for it: as for approvals. */
export interface OnboardingWorkflows {
  start(onboarding: Pick<Onboarding, 'tenantId' | 'id' | 'method' | 'expiresAtMs'>): void;
  tell(onboarding: OnboardingInput, signal: OnboardingSignal): void;
  /**
   * Starts the workflow where there is none, and makes it look at its row; false when it has completed.
   * @throws what Temporal says
   */
  revive(onboarding: OnboardingInput): Promise<boolean>;
}

/** Talks to Temporal in the background. */
export function createOnboardingWorkflows(engine: Engine): OnboardingWorkflows {
  const accompaniment = createAccompaniment(engine, { type: ONBOARDING_WORKFLOW, idOf: onboardingWorkflowId });
  return {
    start({ tenantId, id, method, expiresAtMs }) {
      const until = readable(new Date(expiresAtMs).toISOString());
      const summary = `Enables two-factor authentication${method === null ? '' : ` by ${method}`} until ${until}`;
      accompaniment.start({ tenantId, onboardingId: id }, summary);
    },
    tell: accompaniment.tell,
    revive: (onboarding) =>
      accompaniment.revive(onboarding, 'Enables two-factor authentication (revived by reconcile)'),
  };
}
