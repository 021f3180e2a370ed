import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { ApprovalStatus, CallbackState, Progress, PushState } from '../domain/approval';

export const APPROVAL_WORKFLOW = 'approval';

export interface ApprovalInput {
  tenantId: string;
  approvalId: string;
}

/** What the workflow knows: the row as it last read it. The names are those of the API where it has them. */
export interface ApprovalState {
  id: string;
  status: ApprovalStatus;
  /** Empty until the row was read for the first time. */
  expiresAt: string;
  /** Until the deadline, by the database's clock. */
  remainingMs: number;
  push: PushRound;
  callback: { state: CallbackState };
  /** Absent until the row was read, and in histories from before several people could be asked. */
  progress?: Progress & {
    /** Those who were removed included. */
    asked: number;
  };
}

export interface PushRound {
  state: PushState;
  /** Raised by each resend. */
  round: number;
}

/** What a device signed, as a compact JWS. */
export interface SignedAnswer {
  answer: string;
}

/** True where more than one person was asked. */
export const isOfSeveral = ({ progress }: Pick<ApprovalState, 'progress'>): boolean => (progress?.asked ?? 1) > 1;

export const approve = defineSignal<[SignedAnswer]>('approve');
export const deny = defineSignal<[SignedAnswer]>('deny');
export const cancel = defineSignal('cancel');
export const look = defineSignal('look');
export const approvalState = defineQuery<ApprovalState>('state');

/** The id of the one workflow of an approval. */
export const approvalWorkflowId = ({ tenantId, approvalId }: ApprovalInput) => `approval/${tenantId}/${approvalId}`;
