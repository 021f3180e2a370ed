import type { ApprovalDecision, ApprovalMode, DenialReason } from './approval';
import { DomainError } from './errors';

export const ANSWER_TYPE = 'countersign-answer+jwt';
export const ANSWER_VERSION = 1;

/** What a device signs when a person answers. */
export interface AnswerClaims {
  v: typeof ANSWER_VERSION;
  mode: ApprovalMode;
  tenantId: string;
  approvalId: string;
  decision: ApprovalDecision;
  reason?: DenialReason | undefined;
  /** base64url of the SHA-256 of the bytes that were shown. */
  shownDigest: string;
  nonce: string;
  deviceId: string;
  /** The phone's clock, ISO 8601. Recorded, never trusted: freshness comes from the nonce. */
  at: string;
}

/** What the answer has to be about. */
export interface AnswerSubject {
  id: string;
  mode: ApprovalMode;
  tenantId: string;
  shownDigest: string;
  nonce: string;
}

/**
 * Refuses an answer, signed though it may be, that is about another approval, was shown something else, or was made for
 * another time.
 */
export function requireAnswerTo(subject: AnswerSubject, deviceId: string, claims: AnswerClaims): void {
  const mismatch = (field: string): never => {
    throw new DomainError('answer_mismatch', { field, reason: 'differs from what was asked' });
  };
  if (claims.approvalId !== subject.id) mismatch('approvalId');
  if (claims.tenantId !== subject.tenantId) mismatch('tenantId');
  if (claims.deviceId !== deviceId) mismatch('deviceId');
  if (claims.mode !== subject.mode) mismatch('mode');
  if (claims.shownDigest !== subject.shownDigest) mismatch('shownDigest');
  if (claims.reason !== undefined && claims.decision !== 'denied') mismatch('reason');
  if (claims.nonce !== subject.nonce) throw new DomainError('answer_stale', { field: 'nonce' });
}
