import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { createApprovalRows } from '../db/approvals';
import { createDeviceRows } from '../db/devices';
import { createIdempotencyRows } from '../db/idempotency';
import { createInstallationKeyRows } from '../db/installationKeys';
import type { Notifications } from '../db/notifications';
import { createTenantRows } from '../db/tenants';
import { createUserRows } from '../db/users';
import type { ApprovalOutcome } from '../domain/approval';
import type { Keyring } from '../platform/keys/keyring';
import { createApprovals } from './approvals';
import { createApprovalWorkflows } from './approvalWorkflows';
import { createDecisions } from './decisions';
import { createDevices } from './devices';
import { createEvidence } from './evidence';
import { createIdempotency } from './idempotency';
import { createTenants } from './tenants';
import { createUsers } from './users';

export interface ServicesDeps {
  pool: Pool;
  keyring: Keyring;
  notifications: Notifications;
  temporal: () => Client | undefined;
  approvalsQueue: string;
  issuer: () => string;
  requireCallbackUrl: (url: string) => void;
  onOutcome?: (outcome: ApprovalOutcome) => void;
  onWorkflowFailure?: (error: unknown) => void;
}

/** Everything that the product can do, put together once, whoever asks. */
export function createServices(deps: ServicesDeps) {
  const { pool, keyring, notifications, requireCallbackUrl, issuer, onOutcome, onWorkflowFailure } = deps;
  const rows = {
    approvals: createApprovalRows(keyring),
    devices: createDeviceRows(keyring),
    users: createUserRows(keyring),
    tenants: createTenantRows(keyring),
    keys: createInstallationKeyRows(keyring),
    idempotency: createIdempotencyRows(keyring),
  };
  const workflows = createApprovalWorkflows({
    client: deps.temporal,
    taskQueue: deps.approvalsQueue,
    ...(onWorkflowFailure && { onFailure: onWorkflowFailure }),
  });
  const decisions = createDecisions({ pool, ...rows, ...(onOutcome && { onOutcome }) });
  return {
    rows,
    workflows,
    decisions,
    approvals: createApprovals({ pool, ...rows, decisions, workflows, notifications, requireCallbackUrl }),
    users: createUsers({ pool, ...rows, decisions, workflows }),
    devices: createDevices({ pool, ...rows, keyring }),
    tenants: createTenants(pool, rows.tenants),
    evidence: createEvidence({ pool, ...rows, issuer }),
    idempotency: createIdempotency(pool, rows.idempotency),
  };
}
export type Services = ReturnType<typeof createServices>;
