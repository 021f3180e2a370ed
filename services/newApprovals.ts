import { randomBytes, randomUUID } from 'node:crypto';
import type { ApprovalRequest } from '../contracts/approvals';
import type { Shown } from '../contracts/device';
import type { Approval, NewApproval } from '../db/approvals';
import type { Tenant } from '../db/tenants';
import type { OneTouch } from '../domain/oneTouch';
import { digest } from './text';

/** What a question in the Authy dialect has more. */
export interface OneTouchPart {
  oneTouch?: OneTouch;
  /** Says all that is asked; an equal question soon after is answered with the same approval. */
  repeatKey?: string;
  /** How many such questions its person may have; see UNAPPROVED. */
  mostUnapproved?: number;
}

/** What is asked, whoever is asked and until when. */
export type Question = Pick<
  ApprovalRequest,
  'mode' | 'title' | 'details' | 'hiddenDetails' | 'callbackUrl' | 'push' | 'veto' | 'requestedBy'
> &
  OneTouchPart;

/** An approval that is about to be written, with a nonce of its own and the one string that its people are shown. */
export function toNewApproval(
  tenant: Pick<Tenant, 'id' | 'name'>,
  { mode, title, details, hiddenDetails, callbackUrl, push, veto, requestedBy, oneTouch, repeatKey }: Question,
  asked: Pick<NewApproval, 'userIds' | 'required' | 'onboardingId' | 'expiresAtMs'> & { nowMs: number },
): NewApproval {
  const { nowMs, ...more } = asked;
  const shown = JSON.stringify({
    v: 1,
    type: 'countersign.approval',
    tenant: tenant.name,
    mode,
    title,
    details,
    createdAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(more.expiresAtMs).toISOString(),
  } satisfies Shown);
  return {
    id: randomUUID(),
    tenantId: tenant.id,
    mode,
    ...more,
    veto,
    requestedBy: requestedBy ?? null,
    shown,
    shownDigest: digest(shown),
    hiddenDetails: hiddenDetails === undefined ? null : JSON.stringify(hiddenDetails),
    nonce: randomBytes(16).toString('base64url'), // 16 bytes: an answer must not be signable before it is asked for
    callbackUrl: callbackUrl ?? null,
    pushBy: push,
    oneTouch: oneTouch ?? null,
    repeatKey: repeatKey ?? null,
    createdAtMs: nowMs,
  };
}

const NOT_ANSWERED = {
  decision: null,
  reason: null,
  deviceId: null,
  answeredAtMs: null,
  withdrawnAtMs: null,
  withdrawnAfter: null,
  isRemoved: false,
} as const;

/** What a read after the insert would give. */
export function afterInsert({ userIds, repeatKey: _, ...fresh }: NewApproval): Approval {
  return {
    ...fresh,
    status: 'pending',
    reason: null,
    callbackState: 'none',
    pushState: fresh.pushBy === 'us' ? 'waiting' : 'none',
    pushRound: 0,
    decidedAtMs: null,
    approvers: userIds.map((userId) => ({ ...NOT_ANSWERED, userId })),
    readAtMs: fresh.createdAtMs,
  };
}
