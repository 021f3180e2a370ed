import { DomainError } from './errors';

export const MODES = ['login', 'transaction'] as const;
export type ApprovalMode = (typeof MODES)[number];

export const DECISIONS = ['approved', 'denied'] as const;
export type ApprovalDecision = (typeof DECISIONS)[number];

export const OUTCOMES = [...DECISIONS, 'expired', 'cancelled'] as const;
export type ApprovalOutcome = (typeof OUTCOMES)[number];

export const STATUSES = ['pending', ...OUTCOMES] as const;
export type ApprovalStatus = (typeof STATUSES)[number];

/** Why a person says no. `not_me` also mutes pushes: somebody else is trying to log in. */
export const REASONS = ['not_me', 'not_now', 'wrong_details', 'other'] as const;
export type DenialReason = (typeof REASONS)[number];

/** Who pushes to the phone: this product, or the tenant's own back end. */
export const PUSHERS = ['us', 'none'] as const;
export type Pusher = (typeof PUSHERS)[number];

export const PUSH_STATES = ['none', 'waiting', 'sent', 'failed', 'muted'] as const;
export type PushState = (typeof PUSH_STATES)[number];

export const CALLBACK_STATES = ['none', 'waiting', 'delivered', 'failed'] as const;
export type CallbackState = (typeof CALLBACK_STATES)[number];

export const LIFETIME_SECONDS = { least: 10, usual: 300, most: 86_400 } as const;
export const MOST_OPEN_LOGINS = 5;
export const MUTED_AFTER_NOT_ME_MS = 20 * 60_000;

export interface Vote {
  userId: string;
  decision: ApprovalDecision | null;
}

/** What the rules look at. */
export interface VotedApproval {
  status: ApprovalStatus;
  required: number;
  expiresAtMs: number;
  approvers: readonly Vote[];
}

/** Refuses whatever comes to an approval that is no longer open. */
export function requireOpen(approval: Pick<VotedApproval, 'status' | 'expiresAtMs'>, nowMs: number): void {
  if (approval.status === 'expired') throw new DomainError('approval_expired');
  if (approval.status === 'cancelled') throw new DomainError('approval_cancelled');
  if (approval.status !== 'pending') throw new DomainError('approval_already_decided');
  if (isPastDeadline(approval, nowMs)) throw new DomainError('approval_expired');
}

/** True for an approval that nobody decided in time, whether or not that is written down yet. */
export function isPastDeadline(approval: Pick<VotedApproval, 'status' | 'expiresAtMs'>, nowMs: number): boolean {
  return approval.status === 'pending' && nowMs >= approval.expiresAtMs;
}

/**
 * The status after one more person's vote: approved by `required` people, denied as soon as those who are left cannot
 * reach that number. (A repeat of the same answer is recognised before the rule is asked.)
 */
export function decide(
  approval: VotedApproval,
  userId: string,
  decision: ApprovalDecision,
  nowMs: number,
): ApprovalStatus {
  requireOpen(approval, nowMs);
  if (approval.approvers.some((vote) => vote.userId === userId && vote.decision !== null)) {
    throw new DomainError('already_answered');
  }
  const votes = approval.approvers.map((vote) => (vote.userId === userId ? decision : vote.decision));
  const yes = votes.filter((vote) => vote === 'approved').length;
  const open = votes.filter((vote) => vote === null).length;
  if (yes >= approval.required) return 'approved';
  return yes + open < approval.required ? 'denied' : 'pending';
}
