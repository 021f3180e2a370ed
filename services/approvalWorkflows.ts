import { WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from '@temporalio/client';
import type { Approval } from '../db/approvals';
import { readable } from '../domain/instant';
import { COUNTERSIGN_KIND, COUNTERSIGN_TENANT } from '../platform/temporal/searchAttributes';
import { APPROVAL_WORKFLOW, approvalWorkflowId } from '../workflows/approval.messages';
import type { ApprovalInput, SignedAnswer } from '../workflows/approval.messages';
import { createBackground, WORKFLOW_TASK_TIMEOUT } from './inBackground';
import type { Engine } from './inBackground';

/** Starts the workflows of approvals and tells them what happened. Nobody waits for it: rows decide, `reconcile` repairs. */
export interface ApprovalWorkflows {
  start(approval: Pick<Approval, 'tenantId' | 'id' | 'mode' | 'expiresAtMs'>): void;
  tell(approval: ApprovalInput, signal: 'approve' | 'deny', answer: SignedAnswer): void;
  tell(approval: ApprovalInput, signal: 'cancel' | 'look'): void;
  /**
   * Starts the workflow where there is none, and makes it look at its row; false when it has completed.
   * @throws what Temporal says
   */
  revive(approval: ApprovalInput): Promise<boolean>;
}

/** Talks to Temporal in the background. */
export function createApprovalWorkflows({ client, taskQueue, onFailure }: Engine): ApprovalWorkflows {
  const inBackground = createBackground({ client, ...(onFailure && { onFailure }) });

  const options = (input: ApprovalInput) => ({
    workflowId: approvalWorkflowId(input),
    taskQueue,
    args: [input] as [ApprovalInput],
    // A terminated or failed one may start again, a completed one never.
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    typedSearchAttributes: [
      { key: COUNTERSIGN_TENANT, value: input.tenantId },
      { key: COUNTERSIGN_KIND, value: APPROVAL_WORKFLOW },
    ],
  });

  return {
    start({ tenantId, id, mode, expiresAtMs }) {
      const until = readable(new Date(expiresAtMs).toISOString());
      inBackground((temporal) =>
        temporal.workflow.start(APPROVAL_WORKFLOW, {
          ...options({ tenantId, approvalId: id }),
          requestEagerStart: true,
          staticSummary: `Asks for approval of a ${mode} until ${until}`,
        }),
      );
    },

    tell(approval: ApprovalInput, signal: string, ...args: SignedAnswer[]) {
      inBackground((temporal) => temporal.workflow.getHandle(approvalWorkflowId(approval)).signal(signal, ...args));
    },

    async revive(approval) {
      const temporal = client();
      if (!temporal) throw new Error('Temporal is away');
      try {
        await temporal.workflow.signalWithStart(APPROVAL_WORKFLOW, {
          ...options(approval),
          signal: 'look',
          signalArgs: [],
          staticSummary: 'Asks for approval (revived by reconcile)',
        });
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    },
  };
}
