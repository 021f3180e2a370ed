import { WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from '@temporalio/client';
import type { PhoneVerification, VerificationKey } from '../db/phoneVerifications';
import { readable } from '../domain/instant';
import { COUNTERSIGN_KIND, COUNTERSIGN_TENANT } from '../platform/temporal/searchAttributes';
import { PHONE_VERIFICATION_WORKFLOW, phoneVerificationWorkflowId } from '../workflows/phoneVerification.messages';
import type { PhoneVerificationInput } from '../workflows/phoneVerification.messages';
import { createBackground, WORKFLOW_TASK_TIMEOUT } from './inBackground';
import type { Engine } from './inBackground';

/** Starts the workflows of verifications and tells them what happened. Nobody waits for it: as for approvals. */
export interface PhoneVerificationWorkflows {
  start(verification: Pick<PhoneVerification, 'tenantId' | 'id' | 'channel' | 'expiresAtMs'>): void;
  tell(verification: VerificationKey, signal: 'code_checked' | 'resend'): void;
  /**
   * Starts the workflow where there is none, and makes it look at its row; false when it has completed.
   * @throws what Temporal says
   */
  revive(verification: VerificationKey): Promise<boolean>;
}

/** Talks to Temporal in the background. */
export function createPhoneVerificationWorkflows(engine: Engine): PhoneVerificationWorkflows {
  const { client, taskQueue, onFailure } = engine;
  const inBackground = createBackground({ client, ...(onFailure && { onFailure }) });
  const inputOf = ({ tenantId, id }: VerificationKey): PhoneVerificationInput => ({ tenantId, verificationId: id });

  const options = (input: PhoneVerificationInput) => ({
    workflowId: phoneVerificationWorkflowId(input),
    taskQueue,
    args: [input] as [PhoneVerificationInput],
    // A terminated or failed one may start again, a completed one never.
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    typedSearchAttributes: [
      { key: COUNTERSIGN_TENANT, value: input.tenantId },
      { key: COUNTERSIGN_KIND, value: PHONE_VERIFICATION_WORKFLOW },
    ],
  });

  return {
    start({ channel, expiresAtMs, ...key }) {
      const until = readable(new Date(expiresAtMs).toISOString());
      inBackground((temporal) =>
        temporal.workflow.start(PHONE_VERIFICATION_WORKFLOW, {
          ...options(inputOf(key)),
          requestEagerStart: true,
          staticSummary: `Verifies a phone by ${channel === 'sms' ? 'text message' : 'call'} until ${until}`,
        }),
      );
    },

    tell(key, signal) {
      inBackground((temporal) => temporal.workflow.getHandle(phoneVerificationWorkflowId(inputOf(key))).signal(signal));
    },

    async revive(key) {
      const temporal = client();
      if (!temporal) throw new Error('Temporal is away');
      try {
        await temporal.workflow.signalWithStart(PHONE_VERIFICATION_WORKFLOW, {
          ...options(inputOf(key)),
          signal: 'look',
          signalArgs: [],
          staticSummary: 'Verifies a phone (revived by reconcile)',
        });
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    },
  };
}
