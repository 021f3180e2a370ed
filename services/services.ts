import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { SafeClient } from '../channels/http/safeClient';
import { createApprovalRows } from '../db/approvals';
import { createDeviceRows } from '../db/devices';
import { createIdempotencyRows } from '../db/idempotency';
import { createInstallationKeyRows } from '../db/installationKeys';
import type { Notifications } from '../db/notifications';
import { createTenantRows } from '../db/tenants';
import { createUserRows } from '../db/users';
import { createWebhookRows } from '../db/webhooks';
import type { ApprovalOutcome } from '../domain/approval';
import type { Verdict } from '../domain/webhook';
import type { Keyring } from '../platform/keys/keyring';
import { createApprovals } from './approvals';
import { createApprovalWorkflows } from './approvalWorkflows';
import { createCallbackSender } from './callbacks';
import { createDecisions } from './decisions';
import { createDevices } from './devices';
import { createEvents } from './events';
import { createEvidence } from './evidence';
import { createIdempotency } from './idempotency';
import { createTenants } from './tenants';
import { createUsers } from './users';
import { createWebhookDrains } from './webhookDrains';
import { createWebhooks } from './webhooks';

export interface ServicesDeps {
  pool: Pool;
  keyring: Keyring;
  notifications: Notifications;
  /** The only way to addresses that tenants gave us. */
  outgoing: Pick<SafeClient, 'post'>;
  temporal: () => Client | undefined;
  approvalsQueue: string;
  issuer: () => string;
  /** Refuses a URL that this installation would not call, naming the field. */
  requireUrl: (url: string, field: string) => void;
  onOutcome?: (outcome: ApprovalOutcome) => void;
  onWebhookAttempt?: (result: Verdict['kind']) => void;
  onWorkflowFailure?: (error: unknown) => void;
}

/** Everything that the product can do, put together once, whoever asks. */
export function createServices(deps: ServicesDeps) {
  const { pool, keyring, notifications, issuer, onOutcome, onWebhookAttempt, onWorkflowFailure } = deps;
  const rows = {
    approvals: createApprovalRows(keyring),
    devices: createDeviceRows(keyring),
    users: createUserRows(keyring),
    tenants: createTenantRows(keyring),
    keys: createInstallationKeyRows(keyring),
    idempotency: createIdempotencyRows(keyring),
    webhooks: createWebhookRows(keyring),
  };
  const engine = {
    client: deps.temporal,
    taskQueue: deps.approvalsQueue,
    ...(onWorkflowFailure && { onFailure: onWorkflowFailure }),
  };
  const workflows = createApprovalWorkflows(engine);
  const tenants = createTenants(pool, rows.tenants);
  const callbacks = createCallbackSender({ client: deps.outgoing, readSigningKey: tenants.readSigningKey });
  const decisions = createDecisions({ pool, ...rows, ...(onOutcome && { onOutcome }) });
  return {
    rows,
    workflows,
    decisions,
    approvals: createApprovals({
      pool,
      ...rows,
      decisions,
      workflows,
      notifications,
      requireCallbackUrl: (url) => deps.requireUrl(url, 'callbackUrl'),
    }),
    users: createUsers({ pool, ...rows, decisions, workflows }),
    devices: createDevices({ pool, ...rows, keyring }),
    tenants,
    callbacks,
    drains: createWebhookDrains(engine),
    webhooks: createWebhooks({
      pool,
      ...rows,
      client: deps.outgoing,
      callbacks,
      requireUrl: (url) => deps.requireUrl(url, 'url'),
      ...(onWebhookAttempt && { onAttempt: onWebhookAttempt }),
    }),
    events: createEvents(pool),
    evidence: createEvidence({ pool, ...rows, issuer }),
    idempotency: createIdempotency(pool, rows.idempotency),
  };
}
export type Services = ReturnType<typeof createServices>;
