import { WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from '@temporalio/client';
import type { Code } from '../db/codes';
import { COUNTERSIGN_KIND, COUNTERSIGN_TENANT } from '../platform/temporal/searchAttributes';
import { CODE_DELIVERY_WORKFLOW, codeDeliveryWorkflowId } from '../workflows/codeDelivery.messages';
import type { CodeDeliveryInput } from '../workflows/codeDelivery.messages';
import { createBackground, WORKFLOW_TASK_TIMEOUT } from './inBackground';
import type { Engine } from './inBackground';

type Sent = Pick<Code, 'id' | 'tenantId' | 'generation' | 'channel'>;

/** Starts the workflows that send codes. Nobody waits for it: `reconcile` repairs. */
export interface CodeDeliveries {
  start(code: Sent): void;
  /** Starts the workflow where there is none; false when there is one, or was one that completed. @throws what Temporal says */
  revive(code: Sent): Promise<boolean>;
}

/** Talks to Temporal in the background. */
export function createCodeDeliveries({ client, taskQueue, onFailure }: Engine): CodeDeliveries {
  const inBackground = createBackground({ client, ...(onFailure && { onFailure }) });

  const options = ({ tenantId, id, generation, channel }: Sent) => {
    const input: CodeDeliveryInput = { tenantId, codeId: id, generation };
    return {
      workflowId: codeDeliveryWorkflowId(input),
      taskQueue,
      args: [input],
      // A terminated or failed one may start again, a completed one never: its code was sent, or given up.
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      typedSearchAttributes: [
        { key: COUNTERSIGN_TENANT, value: tenantId },
        { key: COUNTERSIGN_KIND, value: CODE_DELIVERY_WORKFLOW },
      ],
      staticSummary: `Sends a code by ${channel === 'sms' ? 'text message' : 'call'}`,
    };
  };

  return {
    start: (code) =>
      inBackground((temporal) =>
        temporal.workflow.start(CODE_DELIVERY_WORKFLOW, { ...options(code), requestEagerStart: true }),
      ),

    async revive(code) {
      const temporal = client();
      if (!temporal) throw new Error('Temporal is away');
      try {
        await temporal.workflow.start(CODE_DELIVERY_WORKFLOW, options(code));
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    },
  };
}
