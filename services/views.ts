import type { ApprovalFacts, ApprovalView } from '../contracts/approvals';
import type { DeviceApproval, Shown } from '../contracts/device';
import type { OnboardingView } from '../contracts/onboardings';
import type { DeviceView, UserView } from '../contracts/users';
import type { EventView, WebhookView } from '../contracts/webhooks';
import type { Approval } from '../db/approvals';
import type { Device } from '../db/devices';
import type { RecordedEvent } from '../db/events';
import type { Onboarding } from '../db/onboardings';
import type { User } from '../db/users';
import type { WebhookEndpoint } from '../db/webhookEndpoints';
import { progressOf } from '../domain/approval';
import type { MintedToken } from './registrationTokens';
import type { DeviceTotp } from './totp';

const iso = (ms: number) => new Date(ms).toISOString();
const isoOrNull = (ms: number | null) => (ms === null ? null : iso(ms));

/** An approval in the words of the API, without how its messages travel. */
export function toFacts(approval: Approval): ApprovalFacts {
  const { title, details } = JSON.parse(approval.shown) as Shown;
  return {
    id: approval.id,
    status: approval.status,
    mode: approval.mode,
    title,
    details,
    hiddenDetails:
      approval.hiddenDetails === null
        ? null
        : (JSON.parse(approval.hiddenDetails) as NonNullable<ApprovalFacts['hiddenDetails']>),
    required: approval.required,
    veto: approval.veto,
    requestedBy: approval.requestedBy,
    onboardingId: approval.onboardingId,
    missing: progressOf(approval).missing,
    approvers: approval.approvers.map(({ userId, decision, reason, deviceId, answeredAtMs, withdrawnAtMs }) => ({
      userId,
      decision,
      reason,
      deviceId,
      answeredAt: isoOrNull(answeredAtMs),
      withdrawnAt: isoOrNull(withdrawnAtMs),
    })),
    reason: approval.reason,
    createdAt: iso(approval.createdAtMs),
    expiresAt: iso(approval.expiresAtMs),
    decidedAt: isoOrNull(approval.decidedAtMs),
  };
}

/** An approval as its tenant sees it. */
export const toView = (approval: Approval): ApprovalView => ({
  ...toFacts(approval),
  callbackUrl: approval.callbackUrl,
  push: { by: approval.pushBy, state: approval.pushState },
  callback: { state: approval.callbackState },
});

/** An approval as a phone sees it: nothing that is the tenant's alone. */
export const toDeviceApproval = (approval: Approval, userId: string): DeviceApproval => ({
  id: approval.id,
  shown: approval.shown,
  nonce: approval.nonce,
  status: approval.status,
  mode: approval.mode,
  createdAt: iso(approval.createdAtMs),
  expiresAt: iso(approval.expiresAtMs),
  answeredByMe: approval.approvers.find((person) => person.userId === userId)?.decision ?? null,
  progress: progressOf(approval),
});

/** The id of an event, and of the webhooks that tell it. No dot: Standard Webhooks sign ids with dots around them. */
export const eventIdOf = ({ tenantId, number }: Pick<RecordedEvent, 'tenantId' | 'number'>) =>
  `evt_${tenantId}_${number}`;

export const toEventView = (event: RecordedEvent): EventView => ({
  id: eventIdOf(event),
  type: event.type,
  timestamp: event.at.toISOString(),
  data: {
    ...(event.userId !== undefined && { userId: event.userId }),
    ...(event.deviceId !== undefined && { deviceId: event.deviceId }),
    ...(event.approvalId !== undefined && { approvalId: event.approvalId }),
    ...(event.onboardingId !== undefined && { onboardingId: event.onboardingId }),
    ...event.data,
  },
});

/** An onboarding as its tenant sees it. */
export const toOnboardingView = (onboarding: Onboarding): OnboardingView => ({
  id: onboarding.id,
  userId: onboarding.userId,
  status: onboarding.status,
  reason: onboarding.reason,
  method: onboarding.method,
  linkSms: { state: onboarding.linkState },
  deviceId: onboarding.deviceId,
  approvalId: onboarding.approvalId,
  createdAt: iso(onboarding.createdAtMs),
  expiresAt: iso(onboarding.expiresAtMs),
  remindAt: isoOrNull(onboarding.remindAtMs),
  closedAt: isoOrNull(onboarding.closedAtMs),
});

export const toWebhookView = (endpoint: WebhookEndpoint): WebhookView => ({
  id: endpoint.id,
  url: endpoint.url,
  description: endpoint.description,
  eventTypes: endpoint.eventTypes,
  dialect: endpoint.authyEvents === null ? 'native' : 'authy',
  state: endpoint.state,
  disabledReason: endpoint.disabledReason,
  failingSince: isoOrNull(endpoint.failingSinceMs),
  createdAt: iso(endpoint.createdAtMs),
});

export const toUserView = (user: User): UserView => ({
  id: user.id,
  authyId: user.authyId,
  externalId: user.externalId,
  phone: user.phone,
  email: user.email,
  createdAt: iso(user.createdAtMs),
});

export const toDeviceView = (device: Device): DeviceView => ({
  id: device.id,
  userId: device.userId,
  name: device.name,
  platform: device.platform,
  publicJwk: device.publicJwk,
  createdAt: iso(device.createdAtMs),
});

/** A registration token for who asked for it. */
export const toTokenView = ({ registrationToken, expiresAtMs }: MintedToken) => ({
  registrationToken,
  expiresAt: iso(expiresAtMs),
});

/** What a device shows digits from, for that device. */
export const toDeviceTotp = ({ secret, parameters: { algorithm, digits, period }, nowMs }: DeviceTotp) => ({
  secret,
  algorithm,
  digits,
  periodSeconds: period,
  now: iso(nowMs),
});
