import { z } from 'zod';
import { CODE_CHANNELS, CODE_LENGTH } from '../domain/code';
import { METHODS } from '../domain/method';
import { DEVICE_TOTP_PARAMETERS, TOTP_PARAMETERS } from '../domain/totp';
import { defineRoute } from './route';
import { id, instant, noReply, nothing } from './shapes';

const userParams = z.strictObject({ userId: id });

const digits = (least: number, most: number) =>
  z.string().regex(new RegExp(`^[0-9]{${least},${most}}$`), 'not that many digits');

const Approved = z.strictObject({ status: z.literal('approved') });

export const sendCode = defineRoute({
  method: 'post',
  path: '/v1/users/:userId/codes',
  summary: 'Send a code by text message, call or e-mail; the one before is worth nothing then',
  caller: 'tenant',
  scope: 'codes:write',
  params: userParams,
  query: nothing,
  body: z.strictObject({
    channel: z.enum(CODE_CHANNELS),
    length: z.int().min(CODE_LENGTH.least).max(CODE_LENGTH.most).default(CODE_LENGTH.usual),
  }),
  reply: z.strictObject({ id: z.uuid(), channel: z.enum(CODE_CHANNELS), expiresAt: instant }).meta({ id: 'Code' }),
  status: 201,
  idempotent: true,
  refusals: ['user_not_found', 'no_phone', 'no_email', 'phone_invalid', 'channel_not_configured', 'too_many_requests'],
});

export const checkCode = defineRoute({
  method: 'post',
  path: '/v1/users/:userId/codes/check',
  summary: 'Check what a person typed; a code is accepted once',
  caller: 'tenant',
  scope: 'codes:write',
  params: userParams,
  query: nothing,
  body: z.strictObject({ code: digits(CODE_LENGTH.least, CODE_LENGTH.most) }),
  reply: Approved,
  status: 200,
  idempotent: true,
  refusals: ['user_not_found', 'code_not_found', 'code_expired', 'code_wrong', 'too_many_attempts'],
});

export const createTotp = defineRoute({
  method: 'post',
  path: '/v1/users/:userId/totp',
  summary: 'A secret for an authenticator app; it counts from its first accepted code on',
  caller: 'tenant',
  scope: 'users:write',
  params: userParams,
  query: nothing,
  body: nothing,
  reply: z
    .strictObject({
      secret: z.string().describe('base32, to type in by hand'),
      uri: z.string().describe('otpauth://totp/…'),
      qrSvg: z.string().describe('the URI as a QR code'),
    })
    .meta({ id: 'TotpSetUp' }),
  status: 201,
  idempotent: true,
  refusals: ['user_not_found', 'method_enabled'],
});

export const checkTotp = defineRoute({
  method: 'post',
  path: '/v1/users/:userId/totp/check',
  summary: 'Check the digits of an authenticator app or of a device; the first right ones of an app enable the method',
  caller: 'tenant',
  scope: 'codes:write',
  params: userParams,
  query: nothing,
  body: z.strictObject({ code: digits(TOTP_PARAMETERS.digits, DEVICE_TOTP_PARAMETERS.digits) }),
  reply: Approved,
  status: 200,
  idempotent: true,
  refusals: ['user_not_found', 'totp_not_found', 'code_wrong', 'too_many_attempts'],
});

export const listMethods = defineRoute({
  method: 'get',
  path: '/v1/users/:userId/methods',
  summary: 'In which ways a user can be asked for a second factor, oldest first',
  caller: 'tenant',
  scope: 'users:read',
  params: userParams,
  query: nothing,
  body: nothing,
  reply: z
    .strictObject({
      methods: z.array(z.strictObject({ method: z.enum(METHODS), enabledAt: instant })),
      twoFactorEnabled: z.boolean(),
    })
    .meta({ id: 'Methods' }),
  status: 200,
  refusals: ['user_not_found'],
});

export const removeMethod = defineRoute({
  method: 'delete',
  path: '/v1/users/:userId/methods/:method',
  summary: 'Remove a method; with `totp` goes its secret',
  caller: 'tenant',
  scope: 'users:write',
  params: z.strictObject({ userId: id, method: z.enum(METHODS) }),
  query: nothing,
  body: nothing,
  reply: noReply,
  status: 204,
  refusals: ['user_not_found', 'method_not_enabled'],
});
