import type { AnswerClaims } from './answer';
import { requireAnswerTo } from './answer';
import type { ApprovalDecision, ApprovalMode, ApprovalStatus, DenialReason, Vote, VotedApproval } from './approval';
import { decide, withdraw } from './approval';
import { DomainError } from './errors';
import type { EventType } from './event';

export const EVIDENCE_TYPE = 'countersign-evidence+jwt';
export const EVIDENCE_VERSION = 1;

/**
 * Everything that proves one approval: the payload of a compact JWS that the installation seals (protected header: alg
 * ES256, typ `countersign-evidence+jwt`, kid of a key at /.well-known/jwks.json). Instants are ISO 8601 in UTC with
 * milliseconds and come from the database's clock; digests and thumbprints are base64url of a SHA-256.
 */
export interface EvidencePayload {
  v: typeof EVIDENCE_VERSION;
  /** The installation's first public URL. */
  issuer: string;
  sealedAt: string;
  approval: {
    id: string;
    tenantId: string;
    mode: ApprovalMode;
    status: ApprovalStatus;
    reason: DenialReason | null;
    nonce: string;
    createdAt: string;
    expiresAt: string;
    decidedAt: string | null;
  };
  /** How many of which people had to approve. */
  rule: {
    required: number;
    approvers: readonly string[];
    /** True where any one denial decided. */
    veto?: boolean;
    /** Who asked for it, and so could not be an approver. */
    requestedBy?: string | null;
    /** Who was removed while it was open, and after how many of the answers below. */
    withdrawn?: readonly EvidenceWithdrawal[];
  };
  /** Exactly the string that was sent to the devices, and the digest of its UTF-8 bytes. */
  shown: string;
  shownDigest: string;
  /** The digest of `JSON.stringify(hiddenDetails)`; nothing when there were none. */
  hiddenDetailsDigest?: string;
  /** Every answer that was recorded, in the order in which they were judged. */
  answers: readonly EvidenceAnswer[];
  /** Every device that answered, also one that was removed since. */
  devices: readonly EvidenceDevice[];
  /** The events of this approval, by ascending number. */
  events: readonly EvidenceEvent[];
}

export interface EvidenceAnswer {
  /** The compact JWS as the device sent it. */
  jws: string;
  deviceId: string;
  userId: string;
  /** The moment at which it was judged: the clock that the rule was asked with. */
  receivedAt: string;
  /** What it counts as; null for an answer that was recorded and does not count (its person was removed since). */
  countedAs: ApprovalDecision | null;
}

export interface EvidenceWithdrawal {
  userId: string;
  at: string;
  afterAnswers: number;
}

export interface EvidenceDevice {
  id: string;
  userId: string;
  publicJwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string };
  /** RFC 7638. */
  thumbprint: string;
  name: string;
  platform: string;
  registeredAt: string;
  removedAt: string | null;
  /** The compact JWS with which the device proved at registration that it holds the key. */
  registrationProof: string;
}

export interface EvidenceEvent {
  number: number;
  type: EventType;
  at: string;
  data: Readonly<Record<string, unknown>>;
}

/** One thing that was looked at, with a sentence that says what holds, or what does not. */
export interface EvidenceCheck {
  name: string;
  passed: boolean;
  sentence: string;
}

/**
 * Whether sealed content agrees with itself and with the rules. Signatures and digests are verified elsewhere: `signed`
 * holds, for each answer, what its verified JWS says, or undefined where it is not signed by its device.
 */
export function checkConsistency(
  evidence: EvidencePayload,
  signed: readonly (AnswerClaims | undefined)[],
): EvidenceCheck[] {
  return [
    judge('shown_text', 'What was shown belongs to this approval.', shownFault(evidence)),
    judge('answer_contents', 'Every answer is about this approval and what was shown.', contentFault(evidence, signed)),
    judge('answer_people', 'Every answer comes from a device of a person who was asked.', peopleFault(evidence)),
    judge('device_times', 'Every device was registered when it answered.', deviceTimeFault(evidence)),
    judge('outcome', `The outcome "${evidence.approval.status}" follows from the answers.`, outcomeFault(evidence)),
    judge('reason', 'The reason is the one that was signed.', reasonFault(evidence, signed)),
    judge('events', 'The recorded events tell the same story.', eventFault(evidence)),
  ];
}

/** A check that passed with the sentence given, or failed with the fault found. */
export function judge(name: string, sentence: string, fault: string | undefined): EvidenceCheck {
  return { name, passed: fault === undefined, sentence: fault ?? sentence };
}

function shownFault({ shown, approval }: EvidencePayload): string | undefined {
  const text = parseObject(shown);
  if (text?.['type'] !== 'countersign.approval' || text['v'] !== 1) return 'What was shown is not an approval text.';
  for (const field of ['mode', 'createdAt', 'expiresAt'] as const) {
    if (text[field] !== approval[field]) return `What was shown names another ${field} than the approval.`;
  }
  return undefined;
}

function contentFault(
  { answers, approval, shownDigest }: EvidencePayload,
  signed: readonly (AnswerClaims | undefined)[],
): string | undefined {
  for (const [index, answer] of answers.entries()) {
    const claims = signed[index];
    if (!claims) return `Answer ${index + 1} is not signed by its device.`;
    try {
      requireAnswerTo({ ...approval, shownDigest }, answer.deviceId, claims);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return `Answer ${index + 1} is not about this approval: ${error.detail.field} differs.`;
    }
    if (answer.countedAs !== null && answer.countedAs !== claims.decision) {
      return `Answer ${index + 1} says ${claims.decision} and was counted as ${answer.countedAs}.`;
    }
  }
  return undefined;
}

function peopleFault({ answers, devices, rule }: EvidencePayload): string | undefined {
  if (new Set(rule.approvers).size !== rule.approvers.length) return 'A person is named twice among the approvers.';
  if (rule.requestedBy && rule.approvers.includes(rule.requestedBy)) return 'The requester is among the approvers.';
  for (const { userId } of rule.withdrawn ?? []) {
    if (!rule.approvers.includes(userId)) return 'A person was withdrawn who was not asked.';
  }
  for (const [index, { deviceId, userId }] of answers.entries()) {
    if (devices.find((device) => device.id === deviceId)?.userId !== userId) {
      return `Answer ${index + 1} comes from a device of somebody else.`;
    }
    if (!rule.approvers.includes(userId)) return `Answer ${index + 1} comes from a person who was not asked.`;
  }
  return undefined;
}

function deviceTimeFault({ answers, devices }: EvidencePayload): string | undefined {
  for (const [index, { deviceId, receivedAt }] of answers.entries()) {
    const device = devices.find(({ id }) => id === deviceId);
    if (!device || Date.parse(receivedAt) < Date.parse(device.registeredAt)) {
      return `Answer ${index + 1} was received before its device was registered.`;
    }
    if (device.removedAt !== null && Date.parse(receivedAt) > Date.parse(device.removedAt)) {
      return `Answer ${index + 1} was received after its device was removed.`;
    }
  }
  return undefined;
}

/** Applies the product's own rule once more to the counted answers and the withdrawals, one after the other. */
function outcomeFault(evidence: EvidencePayload): string | undefined {
  const { status, createdAt, expiresAt, decidedAt } = evidence.approval;
  const expiresAtMs = Date.parse(expiresAt);
  const { required, approvers: people, veto = false, withdrawn = [] } = evidence.rule;
  let voted: VotedApproval = {
    status: 'pending',
    required,
    veto,
    expiresAtMs,
    approvers: people.map((userId) => ({ userId, decision: null, withdrawnAtMs: null })),
  };
  const change = (userId: string, changed: Partial<Vote>, after: ApprovalStatus) => {
    const approvers = voted.approvers.map((vote) => (vote.userId === userId ? { ...vote, ...changed } : vote));
    voted = { ...voted, status: after, approvers };
  };
  try {
    for (let judged = 0; judged <= evidence.answers.length; judged++) {
      for (const { userId, at, afterAnswers } of withdrawn) {
        if (afterAnswers !== judged) continue;
        const withdrawnAtMs = Date.parse(at);
        change(userId, { withdrawnAtMs }, withdraw(voted, [userId], withdrawnAtMs));
      }
      const answer = evidence.answers[judged];
      if (!answer) break;
      const { userId, countedAs, receivedAt } = answer;
      const isWithdrawn = withdrawn.some((each) => each.userId === userId && each.afterAnswers > judged);
      if ((countedAs === null) !== isWithdrawn) return 'Not the answers of those who were withdrawn are left out.';
      if (countedAs === null) continue;
      const receivedAtMs = Date.parse(receivedAt);
      if (receivedAtMs < Date.parse(createdAt)) return 'An answer was counted before the approval existed.';
      change(userId, { decision: countedAs }, decide(voted, userId, countedAs, receivedAtMs));
    }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `An answer was counted that the rule refuses: ${error.code}.`;
  }

  const decidedByAnswers = status === 'approved' || status === 'denied';
  // Cancelled by its tenant or by withdrawals; the latter cannot have left it open.
  const follows = status === 'cancelled' ? ['pending', 'cancelled'] : [decidedByAnswers ? status : 'pending'];
  if (!follows.includes(voted.status)) {
    return `The approval is ${status}, but by its answers it is ${voted.status}.`;
  }
  if ((decidedAt === null) !== (status === 'pending')) return `The approval is ${status}, but its decidedAt disagrees.`;
  if (decidedAt !== null && status === 'expired' && Date.parse(decidedAt) < expiresAtMs) {
    return 'The approval expired before its deadline.';
  }
  return undefined;
}

function reasonFault(
  { approval, answers }: EvidencePayload,
  signed: readonly (AnswerClaims | undefined)[],
): string | undefined {
  const signedReasons = answers.flatMap(({ countedAs }, index) =>
    countedAs === 'denied' ? [signed[index]?.reason ?? null] : [],
  );
  if (approval.status === 'denied' && !signedReasons.includes(approval.reason)) return 'Nobody signed this reason.';
  if (approval.status !== 'denied' && approval.reason !== null) return 'There is a reason, but no denial.';
  return undefined;
}

function eventFault({ events, approval }: EvidencePayload): string | undefined {
  if (events.some(({ number }, index) => number <= (events[index - 1]?.number ?? 0))) {
    return 'The numbers of the events do not ascend.';
  }
  const created = events.filter(({ type }) => type === 'approval_created');
  if (created.length !== 1 || events[0] !== created[0]) return 'The first event is not the one creation.';
  const outcomes = events.map(({ type }) => type).filter((type) => OUTCOME_EVENTS.has(type));
  const expected = approval.status === 'pending' ? [] : [`approval_${approval.status}`];
  return outcomes.join() === expected.join()
    ? undefined
    : `The approval is ${approval.status}, but the events say: ${outcomes.join(', ') || 'no outcome'}.`;
}

const OUTCOME_EVENTS: ReadonlySet<EventType> = new Set([
  'approval_approved',
  'approval_denied',
  'approval_expired',
  'approval_cancelled',
]);

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
