import { WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { Approval } from '../db/approvals';
import { readable } from '../domain/instant';
import { COUNTERSIGN_KIND, COUNTERSIGN_TENANT } from '../platform/temporal/searchAttributes';
import { APPROVAL_WORKFLOW, approvalWorkflowId } from '../workflows/approval.messages';
import type { ApprovalInput, SignedAnswer } from '../workflows/approval.messages';

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

export interface ApprovalWorkflowDeps {
  /** Undefined while Temporal is away. */
  client: () => Client | undefined;
  taskQueue: string;
  onFailure?: (error: unknown) => void;
}

/** Calls to Temporal in flight, per process; beyond that they are left to `reconcile`. */
const MOST_IN_FLIGHT = 200;

/** After a killed worker its workflow tasks wait this long before another worker gets them. */
const WORKFLOW_TASK_TIMEOUT = '5 seconds';

/** Talks to Temporal in the background. */
export function createApprovalWorkflows({ client, taskQueue, onFailure }: ApprovalWorkflowDeps): ApprovalWorkflows {
  let inFlight = 0;
  function inBackground(call: (temporal: Client) => Promise<unknown>): void {
    const temporal = client();
    if (!temporal || inFlight >= MOST_IN_FLIGHT) return;
    inFlight += 1;
    call(temporal)
      .catch((error: unknown) => onFailure?.(error))
      .finally(() => (inFlight -= 1));
  }

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
