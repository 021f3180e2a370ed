import { z } from 'zod';
import { METHODS } from '../domain/method';
import {
  CANCEL_REASONS,
  LINK_STATES,
  ONBOARDING_SECONDS,
  ONBOARDING_STATUSES,
  REMINDER_SECONDS,
} from '../domain/onboarding';
import { defineRoute } from './route';
import { id, instant, nothing, RegistrationToken, waitSeconds } from './shapes';

export const OnboardingView = z
  .strictObject({
    id: z.uuid(),
    userId: z.uuid(),
    status: z.enum(ONBOARDING_STATUSES),
    reason: z.enum(CANCEL_REASONS).nullable().describe('why it was cancelled'),
    method: z.enum(METHODS).nullable(),
    linkSms: z
      .strictObject({ state: z.enum(LINK_STATES) })
      .describe('the text message with the install link; `none` where there is none to send'),
    deviceId: z.uuid().nullable().describe('the device that was registered for it'),
    approvalId: z.uuid().nullable().describe('the approval by which the person confirms'),
    createdAt: instant,
    expiresAt: instant,
    remindAt: instant.nullable(),
    closedAt: instant.nullable(),
  })
  .meta({ id: 'Onboarding' });
export type OnboardingView = z.output<typeof OnboardingView>;

/** An onboarding with what the person needs next. It holds secrets, so only the call that makes them is answered so. */
export const OnboardingStep = OnboardingView.extend({
  link: z.string().nullable().describe('the install link, for a method push without a device'),
  registrationToken: RegistrationToken.nullable().describe('for your own app; valid for ten minutes'),
  totp: z
    .strictObject({ secret: z.string(), uri: z.string(), qrSvg: z.string() })
    .nullable()
    .describe('for an authenticator app'),
}).meta({ id: 'OnboardingStep' });
export type OnboardingStep = z.output<typeof OnboardingStep>;

const method = z.enum(METHODS);
const onboardingParams = z.strictObject({ onboardingId: id });
const userParams = z.strictObject({ userId: id });

export const startOnboarding = defineRoute({
  method: 'post',
  path: '/v1/users/:userId/onboardings',
  summary: 'Begin to enable two-factor authentication; an open attempt of the same user is replaced',
  caller: 'tenant',
  scope: 'onboardings:write',
  params: userParams,
  query: nothing,
  body: z.strictObject({
    method: method.optional().describe('without it: wait until it is chosen'),
    expiresInSeconds: z.int().min(ONBOARDING_SECONDS.least).max(ONBOARDING_SECONDS.most).optional(),
    remindAfterSeconds: z
      .int()
      .min(REMINDER_SECONDS.least)
      .max(REMINDER_SECONDS.most)
      .nullable()
      .optional()
      .describe('null: never'),
    ownApp: z.boolean().default(false).describe('you hand a registration token to your own app; no link is sent'),
  }),
  reply: OnboardingStep,
  status: 201,
  idempotent: true,
  refusals: ['user_not_found', 'no_phone', 'channel_not_configured', 'method_enabled', 'too_many_requests'],
});
export type OnboardingRequest = z.output<typeof startOnboarding.body>;

export const getOnboarding = defineRoute({
  method: 'get',
  path: '/v1/onboardings/:onboardingId',
  summary:
    'One onboarding; with `wait`, answers when its status is not `status` any more, or without that when it is closed',
  caller: 'tenant',
  scope: 'onboardings:read',
  params: onboardingParams,
  query: z.strictObject({ wait: waitSeconds, status: z.enum(ONBOARDING_STATUSES).optional() }),
  body: nothing,
  reply: OnboardingView,
  status: 200,
  refusals: ['onboarding_not_found'],
});

export const streamOnboarding = defineRoute({
  method: 'get',
  path: '/v1/onboardings/:onboardingId/stream',
  summary: 'The onboarding now and at every change, as server-sent events `onboarding`; ends when it is closed',
  caller: 'tenant',
  scope: 'onboardings:read',
  params: onboardingParams,
  query: nothing,
  body: nothing,
  reply: OnboardingView,
  status: 200,
  stream: true,
  refusals: ['onboarding_not_found'],
});

export const listOnboardings = defineRoute({
  method: 'get',
  path: '/v1/users/:userId/onboardings',
  summary: 'The newest twenty onboardings of a user, newest first',
  caller: 'tenant',
  scope: 'onboardings:read',
  params: userParams,
  query: nothing,
  body: nothing,
  reply: z.strictObject({ onboardings: z.array(OnboardingView) }),
  status: 200,
  refusals: ['user_not_found'],
});

export const chooseOnboardingMethod = defineRoute({
  method: 'post',
  path: '/v1/onboardings/:onboardingId/method',
  summary: 'Choose the method, or another one; the same again sends its link or code once more',
  caller: 'tenant',
  scope: 'onboardings:write',
  params: onboardingParams,
  query: nothing,
  body: z.strictObject({ method }),
  reply: OnboardingStep,
  status: 200,
  refusals: [
    'onboarding_not_found',
    'onboarding_closed',
    'onboarding_expired',
    'wrong_step',
    'no_phone',
    'channel_not_configured',
    'method_enabled',
    'too_many_requests',
  ],
});

export const enterOnboardingCode = defineRoute({
  method: 'post',
  path: '/v1/onboardings/:onboardingId/code',
  summary: 'The first code, as the person read it; the right one enables the method',
  caller: 'tenant',
  scope: 'onboardings:write',
  params: onboardingParams,
  query: nothing,
  body: z.strictObject({ code: z.string().regex(/^[0-9]{4,10}$/, 'not 4 to 10 digits') }),
  reply: OnboardingView,
  status: 200,
  refusals: [
    'onboarding_not_found',
    'onboarding_closed',
    'onboarding_expired',
    'wrong_step',
    'code_wrong',
    'code_expired',
    'code_not_found',
    'totp_not_found',
    'too_many_attempts',
  ],
});

export const cancelOnboarding = defineRoute({
  method: 'post',
  path: '/v1/onboardings/:onboardingId/cancel',
  summary: 'End an open onboarding; repeating it is harmless',
  caller: 'tenant',
  scope: 'onboardings:write',
  params: onboardingParams,
  query: nothing,
  body: nothing,
  reply: OnboardingView,
  status: 200,
  refusals: ['onboarding_not_found', 'onboarding_closed', 'onboarding_expired'],
});

export const createOnboardingToken = defineRoute({
  method: 'post',
  path: '/v1/onboardings/:onboardingId/registration-tokens',
  summary: 'A new registration token for your own app, valid for ten minutes',
  caller: 'tenant',
  scope: 'onboardings:write',
  params: onboardingParams,
  query: nothing,
  body: nothing,
  reply: RegistrationToken,
  status: 201,
  idempotent: true,
  refusals: ['onboarding_not_found', 'onboarding_closed', 'onboarding_expired', 'wrong_step'],
});

export const openInstallLink = defineRoute({
  method: 'post',
  path: '/v1/device/install-links',
  summary: 'The secret of an install link, for a registration token that is valid for ten minutes',
  caller: 'anybody',
  params: nothing,
  query: nothing,
  body: z.strictObject({ secret: z.string().max(200) }),
  reply: RegistrationToken,
  status: 200,
  refusals: ['install_link_invalid', 'too_many_requests'],
});

export const showInstallPage = defineRoute({
  method: 'get',
  path: '/install',
  summary: 'Where an install link leads; its secret stays in the fragment and is never sent here',
  caller: 'anybody',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: z.string(),
  status: 200,
  text: true,
  refusals: [],
});
