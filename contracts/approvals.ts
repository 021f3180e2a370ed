import { z } from 'zod';
import {
  CALLBACK_STATES,
  DECISIONS,
  LIFETIME_SECONDS,
  MODES,
  MOST_APPROVERS,
  OUTCOMES,
  PUSH_STATES,
  PUSHERS,
  REASONS,
  STATUSES,
} from '../domain/approval';
import { defineRoute } from './route';
import { anyJson, cursor, id, instant, nothing, pageSize, shownText, waitSeconds } from './shapes';

const Detail = z.strictObject({ label: shownText(1, 100), value: shownText(0, 500) });

const HiddenDetails = z
  .record(z.string().max(100), anyJson)
  .refine((hidden) => JSON.stringify(hidden).length <= 16_384, 'longer than 16 KiB')
  .refine(isWellFormed, 'holds half a character (a lone surrogate)');

/** JSON.stringify would escape the halves, and so hide them. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isWellFormed(inner));
}

const ApproverView = z
  .strictObject({
    userId: z.uuid(),
    decision: z.enum(DECISIONS).nullable(),
    reason: z.enum(REASONS).nullable(),
    deviceId: z.uuid().nullable(),
    answeredAt: instant.nullable(),
    withdrawnAt: instant.nullable().describe('the user was removed while it was open: the answer does not count'),
  })
  .meta({ id: 'Approver' });

/** What an approval is, without how its messages travel: also the `data` of its callback. */
export const ApprovalFacts = z
  .strictObject({
    id: z.uuid(),
    status: z.enum(STATUSES),
    mode: z.enum(MODES),
    title: z.string(),
    details: z.array(z.strictObject({ label: z.string(), value: z.string() })),
    hiddenDetails: z.record(z.string(), anyJson).nullable().describe('yours alone; never sent to a device'),
    required: z.int().describe('how many people have to approve'),
    veto: z.boolean().describe('one denial decides'),
    requestedBy: z.uuid().nullable().describe('who asked for it, and so is no approver'),
    onboardingId: z.uuid().nullable().describe('the onboarding that it confirms'),
    missing: z.int().describe('how many approvals are still needed'),
    approvers: z.array(ApproverView),
    reason: z.enum(REASONS).nullable(),
    createdAt: instant,
    expiresAt: instant,
    decidedAt: instant.nullable(),
  })
  .meta({ id: 'ApprovalFacts' });
export type ApprovalFacts = z.output<typeof ApprovalFacts>;

export const ApprovalView = ApprovalFacts.extend({
  callbackUrl: z.string().nullable(),
  push: z.strictObject({ by: z.enum(PUSHERS), state: z.enum(PUSH_STATES) }),
  callback: z.strictObject({ state: z.enum(CALLBACK_STATES) }),
}).meta({ id: 'Approval' });
export type ApprovalView = z.output<typeof ApprovalView>;

/** The body of a callback; its header `webhook-id` says the same `id`. */
export const CallbackBody = z
  .strictObject({
    type: z.enum(OUTCOMES.map((outcome) => `approval.${outcome}` as const)),
    id: z.string(),
    timestamp: instant,
    data: ApprovalFacts,
  })
  .meta({ id: 'CallbackBody' });
export type CallbackBody = z.output<typeof CallbackBody>;

const approvalParams = z.strictObject({ approvalId: id });

export const createApproval = defineRoute({
  method: 'post',
  path: '/v1/approvals',
  summary: 'Ask a person, or several, for approval',
  caller: 'tenant',
  scope: 'approvals:write',
  params: nothing,
  query: nothing,
  body: z
    .strictObject({
      userId: id.optional().describe('the one person who is asked; or give `approvers`'),
      approvers: z.array(id).min(1).max(MOST_APPROVERS).optional().describe('several people; each has one vote'),
      required: z
        .int()
        .min(1)
        .max(MOST_APPROVERS)
        .optional()
        .describe('how many of them have to approve; without it: all'),
      veto: z.boolean().default(false).describe('one denial decides, however many would still approve'),
      requestedBy: id.optional().describe('never counts: is taken out of the approvers'),
      mode: z.enum(MODES).default('login'),
      title: shownText(1, 200),
      details: z.array(Detail).max(20).default([]),
      hiddenDetails: HiddenDetails.optional(),
      expiresInSeconds: z.int().min(LIFETIME_SECONDS.least).max(LIFETIME_SECONDS.most).default(LIFETIME_SECONDS.usual),
      callbackUrl: z.string().max(2_048).optional(),
      push: z.enum(PUSHERS).default('us').describe('`none`: you tell the phone yourself'),
    })
    .refine(({ userId, approvers }) => (userId === undefined) !== (approvers === undefined), {
      path: ['userId'],
      message: 'give either userId or approvers',
    })
    .refine(({ approvers = [] }) => new Set(approvers).size === approvers.length, {
      path: ['approvers'],
      message: 'names a person twice',
    }),
  reply: ApprovalView,
  status: 201,
  idempotent: true,
  refusals: ['user_not_found', 'too_few_approvers', 'no_device', 'too_many_open_approvals', 'callback_url_refused'],
});
export type ApprovalRequest = z.output<typeof createApproval.body>;

export const getApproval = defineRoute({
  method: 'get',
  path: '/v1/approvals/:approvalId',
  summary: 'One approval; with `wait`, answers when it is decided or the time is over',
  caller: 'tenant',
  scope: 'approvals:read',
  params: approvalParams,
  query: z.strictObject({ wait: waitSeconds }),
  body: nothing,
  reply: ApprovalView,
  status: 200,
  refusals: ['approval_not_found'],
});

export const streamApproval = defineRoute({
  method: 'get',
  path: '/v1/approvals/:approvalId/stream',
  summary: 'The approval now and at every change, as server-sent events `approval`; ends with the decision',
  caller: 'tenant',
  scope: 'approvals:read',
  params: approvalParams,
  query: nothing,
  body: nothing,
  reply: ApprovalView,
  status: 200,
  stream: true,
  refusals: ['approval_not_found'],
});

export const listApprovals = defineRoute({
  method: 'get',
  path: '/v1/approvals',
  summary: 'Approvals, newest first',
  caller: 'tenant',
  scope: 'approvals:read',
  params: nothing,
  query: z.strictObject({ userId: id.optional(), status: z.enum(STATUSES).optional(), limit: pageSize, cursor }),
  body: nothing,
  reply: z.strictObject({ approvals: z.array(ApprovalView), nextCursor: z.string().nullable() }),
  status: 200,
  refusals: [],
});

export const cancelApproval = defineRoute({
  method: 'post',
  path: '/v1/approvals/:approvalId/cancel',
  summary: 'Withdraw an approval that is still open; repeating it is harmless',
  caller: 'tenant',
  scope: 'approvals:write',
  params: approvalParams,
  query: nothing,
  body: nothing,
  reply: ApprovalView,
  status: 200,
  refusals: ['approval_not_found', 'approval_already_decided', 'approval_expired'],
});

export const resendApproval = defineRoute({
  method: 'post',
  path: '/v1/approvals/:approvalId/resend',
  summary: 'Push an open approval to the phone once more',
  caller: 'tenant',
  scope: 'approvals:write',
  params: approvalParams,
  query: nothing,
  body: nothing,
  reply: ApprovalView,
  status: 200,
  refusals: [
    'approval_not_found',
    'approval_already_decided',
    'approval_expired',
    'approval_cancelled',
    'too_many_requests',
  ],
});

export const getEvidence = defineRoute({
  method: 'get',
  path: '/v1/approvals/:approvalId/evidence',
  summary: 'What was shown, every signed answer and the keys, sealed by this installation',
  caller: 'tenant',
  scope: 'approvals:read',
  params: approvalParams,
  query: nothing,
  body: nothing,
  reply: z.strictObject({ evidence: z.string().describe('compact JWS, ES256; keys at /.well-known/jwks.json') }),
  status: 200,
  refusals: ['approval_not_found'],
});
