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

/** What a push is about: an approval that waits, one of several people's that is decided, or digits to be read. */
export const PUSH_SUBJECTS = ['asked', 'decided', 'code'] as const;
export type PushSubject = (typeof PUSH_SUBJECTS)[number];

export const CALLBACK_STATES = ['none', 'waiting', 'delivered', 'failed'] as const;
export type CallbackState = (typeof CALLBACK_STATES)[number];

export const LIFETIME_SECONDS = { least: 10, usual: 300, most: 86_400 } as const;
export const MOST_OPEN_LOGINS = 5;
export const MUTED_AFTER_NOT_ME_MS = 20 * 60_000;

/** How often one approval may be pushed again. */
export const MOST_RESENDS = 5;

/** How many people one approval may ask. */
export const MOST_APPROVERS = 20;

export interface Vote {
  userId: string;
  decision: ApprovalDecision | null;
  /** Since when this person no longer counts, because they were removed. */
  withdrawnAtMs: number | null;
}

/** What the rules look at. */
export interface VotedApproval {
  status: ApprovalStatus;
  required: number;
  /** One denial decides, however many would still approve. */
  veto: boolean;
  expiresAtMs: number;
  approvers: readonly Vote[];
}

/** How far several people are, in numbers: who they are is nobody's business but the tenant's. */
export interface Progress {
  required: number;
  /** Those whose answer counts, or would: without those who were removed. */
  people: number;
  approved: number;
  denied: number;
  /** How many approvals are still needed. */
  missing: number;
}

/**
 * Who is asked, and how many of them have to approve: all of them unless it is said. The requester never counts.
 * @throws too_few_approvers
 */
export function chooseApprovers(
  asked: readonly string[],
  { required, requestedBy }: { required?: number | undefined; requestedBy?: string | undefined },
): { userIds: string[]; required: number } {
  const userIds = asked.filter((userId) => userId !== requestedBy);
  const enough = Math.max(1, required ?? userIds.length);
  if (userIds.length < enough) throw new DomainError('too_few_approvers', { field: 'approvers' });
  return { userIds, required: enough };
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

/** Counts people, not devices. */
export function progressOf({ required, approvers }: Pick<VotedApproval, 'required' | 'approvers'>): Progress {
  const counting = approvers.filter((vote) => vote.withdrawnAtMs === null);
  const approved = counting.filter((vote) => vote.decision === 'approved').length;
  const denied = counting.filter((vote) => vote.decision === 'denied').length;
  return { required, people: counting.length, approved, denied, missing: Math.max(0, required - approved) };
}

/** True while those who have not denied could still be enough. */
const isReachable = ({ required, people, denied }: Progress): boolean => people - denied >= required;

/**
 * The status after one more person's vote: approved by `required` people, denied as soon as those who are left cannot
 * reach that number, or with a veto by anybody. (A repeat of the same answer is recognised before the rule is asked.)
 */
export function decide(
  approval: VotedApproval,
  userId: string,
  decision: ApprovalDecision,
  nowMs: number,
): ApprovalStatus {
  requireOpen(approval, nowMs);
  const before = approval.approvers.find((vote) => vote.userId === userId);
  if (before && before.withdrawnAtMs !== null) throw new DomainError('device_removed');
  if (before && before.decision !== null) throw new DomainError('already_answered');
  const approvers = approval.approvers.map((vote) => (vote.userId === userId ? { ...vote, decision } : vote));
  const progress = progressOf({ ...approval, approvers });
  if (approval.veto && progress.denied > 0) return 'denied';
  if (progress.missing === 0) return 'approved';
  return isReachable(progress) ? 'pending' : 'denied';
}

/** The status after people were taken out: nobody has denied, so what cannot be reached any more is cancelled. */
export function withdraw(approval: VotedApproval, userIds: readonly string[], nowMs: number): ApprovalStatus {
  requireOpen(approval, nowMs);
  const approvers = approval.approvers.map((vote) =>
    userIds.includes(vote.userId) ? { ...vote, withdrawnAtMs: vote.withdrawnAtMs ?? nowMs } : vote,
  );
  return isReachable(progressOf({ ...approval, approvers })) ? 'pending' : 'cancelled';
}
