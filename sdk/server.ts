import type { JSONWebKeySet } from 'jose';
import type { z } from 'zod';
import type { ApprovalView, createApproval, listApprovals } from '../contracts/approvals';
import type { createRegistrationToken, createUser, DeviceView, listUsers, UserView } from '../contracts/users';
import type {
  createWebhook,
  EventView,
  listDeliveries,
  listEvents,
  redeliver,
  updateWebhook,
  WebhookView,
} from '../contracts/webhooks';
import type { BackendOptions, CreateOptions } from './backendCalls';
import { createBackendCalls } from './backendCalls';
import { createCodes } from './codes';
import type { Call } from './http';
import { createOnboardings } from './onboardings';

export type { ApprovalView, CallbackBody } from '../contracts/approvals';
export type { OnboardingStep, OnboardingView } from '../contracts/onboardings';
export type { DeviceView, UserView } from '../contracts/users';
export type { EventView, WebhookView } from '../contracts/webhooks';
export type { EvidenceCheck, EvidencePayload } from '../domain/evidence';
export type { BackendOptions, CreateOptions } from './backendCalls';
export type { ReceivedCallback, ReceivedWebhook } from './callback';
export { CallbackRefused, verifyCallback, verifyWebhook } from './callback';
export type { EvidenceReport } from './evidence';
export { verifyEvidence } from './evidence';
export { CountersignError } from './http';
export type { Methods, NewCode, TotpSetUp } from './codes';
export type { NewOnboarding } from './onboardings';

export type NewApproval = z.input<typeof createApproval.body>;
export type NewUser = z.input<typeof createUser.body>;
export type ApprovalFilter = z.input<typeof listApprovals.query>;
export type UserFilter = z.input<typeof listUsers.query>;
export type NewWebhook = z.input<typeof createWebhook.body>;
export type WebhookChange = z.input<typeof updateWebhook.body>;
export type EventFilter = z.input<typeof listEvents.query>;
export type Deliveries = z.output<typeof listDeliveries.reply>;

export type Countersign = ReturnType<typeof createCountersign>;

/** The back end's side of Countersign. Every call may be repeated, and is when no reply came. */
export function createCountersign(options: BackendOptions) {
  const calls = createBackendCalls(options);
  const { call, create, waitUntil } = calls;

  const get = (approvalId: string, waitSeconds: number, signal?: AbortSignal) =>
    call<ApprovalView>('GET', approvalPath(approvalId), { query: { wait: waitSeconds }, waitSeconds, signal });

  return {
    users: {
      /** Adds a user; a known `externalId` answers the user it has. */
      create: (user: NewUser, options?: CreateOptions) => create<UserView>('/v1/users', user, options),
      get: (userId: string) => call<UserView>('GET', userPath(userId)),
      list: (filter: UserFilter = {}) =>
        call<z.output<typeof listUsers.reply>>('GET', '/v1/users', { query: filter as Call['query'] & object }),
      remove: (userId: string) => call<undefined>('DELETE', userPath(userId)),
      /** A token with which one device may register; hand it to the phone. */
      createRegistrationToken: (userId: string, options?: CreateOptions) =>
        create<z.output<typeof createRegistrationToken.reply>>(
          `${userPath(userId)}/registration-tokens`,
          undefined,
          options,
        ),
      listDevices: async (userId: string) =>
        (await call<{ devices: DeviceView[] }>('GET', `${userPath(userId)}/devices`)).devices,
      removeDevice: (userId: string, deviceId: string) =>
        call<undefined>('DELETE', `${userPath(userId)}/devices/${encodeURIComponent(deviceId)}`),
      ...createCodes(calls),
    },

    approvals: {
      /** Asks a person. The approval is safe once this returns, whatever happens to whom. */
      create: (approval: NewApproval, options?: CreateOptions) =>
        create<ApprovalView>('/v1/approvals', approval, options),
      /** The approval as it is, or, with `waitSeconds` (at most 30), once it is decided or the time is over. */
      get: (approvalId: string, { waitSeconds = 0, signal }: { waitSeconds?: number; signal?: AbortSignal } = {}) =>
        get(approvalId, waitSeconds, signal),
      list: (filter: ApprovalFilter = {}) =>
        call<z.output<typeof listApprovals.reply>>('GET', '/v1/approvals', { query: filter as Call['query'] & object }),
      /** The final approval: waits as long as its deadline is away, or until the signal says stop. */
      wait: (approvalId: string, { signal }: { signal?: AbortSignal } = {}) =>
        waitUntil(
          (waitSeconds) => get(approvalId, waitSeconds, signal),
          ({ status }) => status !== 'pending',
          signal,
        ),
      /** Withdraws an open approval. */
      cancel: (approvalId: string) => call<ApprovalView>('POST', `${approvalPath(approvalId)}/cancel`),
      /** Pushes an open approval to the phone once more. */
      resend: (approvalId: string) => call<ApprovalView>('POST', `${approvalPath(approvalId)}/resend`),
      /** A compact JWS that proves the approval; see `verifyEvidence`. */
      evidence: async (approvalId: string) =>
        (await call<{ evidence: string }>('GET', `${approvalPath(approvalId)}/evidence`)).evidence,
    },

    /** Enabling two-factor authentication for a user. */
    onboardings: createOnboardings(calls),

    webhooks: {
      /** Registers an endpoint. Its secret is shown this once: keep it where you verify. */
      create: (webhook: NewWebhook, options?: CreateOptions) =>
        create<WebhookView & { secret: string }>('/v1/webhooks', webhook, options),
      list: async () => (await call<{ webhooks: WebhookView[] }>('GET', '/v1/webhooks')).webhooks,
      get: (webhookId: string) => call<WebhookView>('GET', webhookPath(webhookId)),
      /** Changes what is given; `state: 'enabled'` enables it again. */
      update: (webhookId: string, change: WebhookChange) =>
        call<WebhookView>('PUT', webhookPath(webhookId), { body: JSON.stringify(change) }),
      remove: (webhookId: string) => call<undefined>('DELETE', webhookPath(webhookId)),
      /** A new secret; the one before it signs as well for `overlapSeconds`, a day by default. */
      rotate: async (
        webhookId: string,
        { overlapSeconds, ...options }: CreateOptions & { overlapSeconds?: number } = {},
      ) =>
        (
          await create<{ secret: string }>(
            `${webhookPath(webhookId)}/rotate`,
            overlapSeconds === undefined ? {} : { overlapSeconds },
            options,
          )
        ).secret,
      /** Sends the event `webhook_pinged` to this endpoint only. */
      ping: (webhookId: string) => call<undefined>('POST', `${webhookPath(webhookId)}/ping`),
      /** What was told, is due or was given up, with every attempt; newest first. */
      listDeliveries: (webhookId: string, page: z.input<typeof listDeliveries.query> = {}) =>
        call<Deliveries>('GET', `${webhookPath(webhookId)}/deliveries`, { query: page as Call['query'] & object }),
      /** Tells one delivery again, or all events since a time; answers how many. */
      redeliver: async (webhookId: string, which: z.input<typeof redeliver.body>) =>
        (
          await call<{ deliveries: number }>('POST', `${webhookPath(webhookId)}/redeliver`, {
            body: JSON.stringify(which),
          })
        ).deliveries,
    },

    events: {
      /** A page of what happened, oldest first. The next one begins at its `cursor`, also when this one was empty. */
      list: (filter: EventFilter = {}) =>
        call<{ events: EventView[]; cursor: string }>('GET', '/v1/events', { query: filter as Call['query'] & object }),
    },

    /** The keys that seal evidence. Keep a copy of your own: it is what evidence is verified with later. */
    keys: () => call<JSONWebKeySet>('GET', '/.well-known/jwks.json'),
  };
}

const userPath = (userId: string) => `/v1/users/${encodeURIComponent(userId)}`;
const webhookPath = (webhookId: string) => `/v1/webhooks/${encodeURIComponent(webhookId)}`;
const approvalPath = (approvalId: string) => `/v1/approvals/${encodeURIComponent(approvalId)}`;
