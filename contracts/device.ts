import { z } from 'zod';
import { DECISIONS, MODES, REASONS, STATUSES } from '../domain/approval';
import { ANSWER_VERSION } from '../domain/answer';
import { DEVICE_TOTP_PARAMETERS } from '../domain/totp';
import { defineRoute } from './route';
import { id, instant, jws, noReply, nothing, publicJwk, RegistrationToken, shownText, waitSeconds } from './shapes';

/** The text that a person decides upon. It travels as one string; a device digests its bytes and parses it to show it. */
export const Shown = z
  .strictObject({
    v: z.literal(1),
    type: z.literal('countersign.approval'),
    tenant: z.string(),
    mode: z.enum(MODES),
    title: z.string(),
    details: z.array(z.strictObject({ label: z.string(), value: z.string() })),
    createdAt: instant,
    expiresAt: instant,
  })
  .meta({ id: 'Shown' });
export type Shown = z.output<typeof Shown>;

export const DeviceApproval = z
  .strictObject({
    id: z.uuid(),
    shown: z.string().describe('JSON text of the schema Shown; sign the SHA-256 of exactly these bytes'),
    nonce: z.string(),
    status: z.enum(STATUSES),
    mode: z.enum(MODES),
    createdAt: instant,
    expiresAt: instant,
    answeredByMe: z.enum(DECISIONS).nullable(),
    progress: z
      .strictObject({ required: z.int(), people: z.int(), approved: z.int(), denied: z.int(), missing: z.int() })
      .describe('how far all who are asked are; numbers only'),
  })
  .meta({ id: 'DeviceApproval' });
export type DeviceApproval = z.output<typeof DeviceApproval>;

/** What a device signs to answer (protected header: alg ES256, typ countersign-answer+jwt, kid the device's id). */
export const AnswerPayload = z
  .strictObject({
    v: z.literal(ANSWER_VERSION),
    mode: z.enum(MODES),
    tenantId: z.uuid(),
    approvalId: z.uuid(),
    decision: z.enum(DECISIONS),
    reason: z.enum(REASONS).optional(),
    shownDigest: z.string().regex(/^[\w-]{43}$/),
    nonce: z.string().max(64),
    deviceId: z.uuid(),
    at: instant,
  })
  .meta({ id: 'AnswerPayload' });

/** What a device signs to prove that it holds a new key (typ countersign-registration+jwt). */
export const RegistrationPayload = z
  .strictObject({
    registrationTokenHash: z.string().regex(/^[\w-]{43}$/),
    publicKeyThumbprint: z.string().regex(/^[\w-]{43}$/),
  })
  .meta({ id: 'RegistrationPayload' });

/** What a device signs at every other call, in the header DPoP (in the manner of RFC 9449; kid the device's id). */
export const ProofPayload = z
  .strictObject({
    jti: z.string().regex(/^[\x21-\x7e]{8,64}$/),
    htm: z.string(),
    htu: z.string().max(2_048),
    nonce: z.string().max(64).optional(),
    bth: z
      .string()
      .regex(/^[\w-]{43}$/)
      .optional(),
  })
  .meta({ id: 'ProofPayload' });

export const registerDevice = defineRoute({
  method: 'post',
  path: '/v1/device/registrations',
  summary: 'Register a device with a registration token and proof of its new key',
  caller: 'anybody',
  params: nothing,
  query: nothing,
  body: z.strictObject({
    registrationToken: z.string().max(200),
    publicJwk,
    name: shownText(1, 100),
    platform: shownText(1, 40),
    proof: jws,
  }),
  reply: z.strictObject({ deviceId: z.uuid(), userId: z.uuid(), tenantId: z.uuid() }),
  status: 201,
  refusals: ['registration_token_invalid', 'public_key_invalid', 'public_key_in_use', 'signature_invalid'],
});

export const redeemAccountToken = defineRoute({
  method: 'post',
  path: '/v1/device/account-tokens',
  summary: 'The token of a QR code that a tenant signed with its Authy API key, for a registration token',
  caller: 'anybody',
  params: nothing,
  query: nothing,
  body: z.strictObject({
    jwt: jws.describe('compact JWS, HS256; its `context` names `custom_user_id` and `authy_app_id`'),
  }),
  reply: RegistrationToken,
  status: 200,
  refusals: ['account_token_invalid', 'account_token_expired', 'too_many_requests'],
});

export const listInbox = defineRoute({
  method: 'get',
  path: '/v1/device/approvals',
  summary: 'What waits for this person; with `wait` and `cursor`, answers when that changes',
  caller: 'device',
  params: nothing,
  query: z.strictObject({ wait: waitSeconds, cursor: z.string().max(64).optional() }),
  body: nothing,
  reply: z.strictObject({ approvals: z.array(DeviceApproval), cursor: z.string() }),
  status: 200,
  refusals: [],
});

const approvalParams = z.strictObject({ approvalId: id });

export const showApproval = defineRoute({
  method: 'get',
  path: '/v1/device/approvals/:approvalId',
  summary: 'One approval that this person is asked for',
  caller: 'device',
  params: approvalParams,
  query: nothing,
  body: nothing,
  reply: DeviceApproval,
  status: 200,
  refusals: ['approval_not_found'],
});

export const answerApproval = defineRoute({
  method: 'post',
  path: '/v1/device/approvals/:approvalId/answer',
  summary: 'Approve or deny, signed by the device; the signature is the proof, also of who calls',
  caller: 'anybody',
  params: approvalParams,
  query: nothing,
  body: z.strictObject({ answer: jws.describe('compact JWS, ES256, of the schema AnswerPayload') }),
  reply: DeviceApproval,
  status: 200,
  refusals: [
    'approval_not_found',
    'signature_invalid',
    'answer_mismatch',
    'answer_stale',
    'device_removed',
    'already_answered',
    'approval_already_decided',
    'approval_expired',
    'approval_cancelled',
  ],
});

export const setPushTarget = defineRoute({
  method: 'put',
  path: '/v1/device/push-target',
  summary: 'Where this device receives pushes',
  caller: 'device',
  params: nothing,
  query: nothing,
  body: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({ kind: z.literal('simulated'), token: shownText(1, 200) }),
  ]),
  reply: noReply,
  status: 204,
  refusals: [],
});
export type PushTarget = z.output<typeof setPushTarget.body>;

export const ensureDeviceTotp = defineRoute({
  method: 'post',
  path: '/v1/device/totp',
  summary: 'What this device needs to show digits by itself (RFC 6238): the same secret each time, until it is removed',
  caller: 'device',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: z
    .strictObject({
      secret: z.string().describe('base32'),
      algorithm: z.literal(DEVICE_TOTP_PARAMETERS.algorithm),
      digits: z.literal(DEVICE_TOTP_PARAMETERS.digits),
      periodSeconds: z.literal(DEVICE_TOTP_PARAMETERS.period),
      now: instant.describe("the server's clock: the device counts its steps by it"),
    })
    .meta({ id: 'DeviceTotp' }),
  status: 200,
  refusals: [],
});

export const unregisterDevice = defineRoute({
  method: 'delete',
  path: '/v1/device',
  summary: 'This device removes itself',
  caller: 'device',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: noReply,
  status: 204,
  refusals: [],
});
