import { WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from '@temporalio/client';
import type { Onboarding } from '../db/onboardings';
import { readable } from '../domain/instant';
import { COUNTERSIGN_KIND, COUNTERSIGN_TENANT } from '../platform/temporal/searchAttributes';
import { ONBOARDING_WORKFLOW, onboardingWorkflowId } from '../workflows/onboarding.messages';
import type { OnboardingInput } from '../workflows/onboarding.messages';
import { createBackground, WORKFLOW_TASK_TIMEOUT } from './inBackground';
import type { Engine } from './inBackground';

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
export function createOnboardingWorkflows({ client, taskQueue, onFailure }: Engine): OnboardingWorkflows {
  const inBackground = createBackground({ client, ...(onFailure && { onFailure }) });

  const options = (input: OnboardingInput) => ({
    workflowId: onboardingWorkflowId(input),
    taskQueue,
    args: [input] as [OnboardingInput],
    // A terminated or failed one may start again, a completed one never.
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    typedSearchAttributes: [
      { key: COUNTERSIGN_TENANT, value: input.tenantId },
      { key: COUNTERSIGN_KIND, value: ONBOARDING_WORKFLOW },
    ],
  });

  return {
    start({ tenantId, id, method, expiresAtMs }) {
      const until = readable(new Date(expiresAtMs).toISOString());
      inBackground((temporal) =>
        temporal.workflow.start(ONBOARDING_WORKFLOW, {
          ...options({ tenantId, onboardingId: id }),
          requestEagerStart: true,
          staticSummary: `Enables two-factor authentication${method === null ? '' : ` by ${method}`} until ${until}`,
        }),
      );
    },

    tell(onboarding, signal) {
      inBackground((temporal) => temporal.workflow.getHandle(onboardingWorkflowId(onboarding)).signal(signal));
    },

    async revive(onboarding) {
      const temporal = client();
      if (!temporal) throw new Error('Temporal is away');
      try {
        await temporal.workflow.signalWithStart(ONBOARDING_WORKFLOW, {
          ...options(onboarding),
          signal: 'look',
          signalArgs: [],
          staticSummary: 'Enables two-factor authentication (revived by reconcile)',
        });
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    },
  };
}
