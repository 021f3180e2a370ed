import type { Approval } from '../db/approvals';
import { readable } from '../domain/instant';
import { APPROVAL_WORKFLOW, approvalWorkflowId } from '../workflows/approval.messages';
import type { ApprovalInput, SignedAnswer } from '../workflows/approval.messages';
import { createAccompaniment } from './accompaniment';
import type { Engine } from './accompaniment';

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
export function createApprovalWorkflows(engine: Engine): ApprovalWorkflows {
  const accompaniment = createAccompaniment(engine, { type: APPROVAL_WORKFLOW, idOf: approvalWorkflowId });
  return {
    start({ tenantId, id, mode, expiresAtMs }) {
      const until = readable(new Date(expiresAtMs).toISOString());
      accompaniment.start({ tenantId, approvalId: id }, `Asks for approval of a ${mode} until ${until}`);
    },
    tell: accompaniment.tell,
    revive: (approval) => accompaniment.revive(approval, 'Asks for approval (revived by reconcile)'),
  };
}
