import type { Keyring } from '../platform/keys/keyring';
import { createApprovalChanges } from './approvalChanges';
import { createApprovalReading } from './approvalReading';

export type { NewApproval } from './approvalChanges';
export type { Approval, Approver, PageOf } from './approvalReading';

/** Approvals, their approvers and answers. Texts are sealed on their way in and opened on their way out. */
export const createApprovalRows = (keyring: Keyring) => ({
  ...createApprovalReading(keyring),
  ...createApprovalChanges(keyring),
});
export type ApprovalRows = ReturnType<typeof createApprovalRows>;
