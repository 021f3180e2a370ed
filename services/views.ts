import type { ApprovalFacts, ApprovalView } from '../contracts/approvals';
import type { DeviceApproval, Shown } from '../contracts/device';
import type { DeviceView, UserView } from '../contracts/users';
import type { Approval } from '../db/approvals';
import type { Device } from '../db/devices';
import type { User } from '../db/users';

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
    approvers: approval.approvers.map(({ answeredAtMs, ...person }) => ({
      ...person,
      answeredAt: isoOrNull(answeredAtMs),
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
