import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { SafeClient } from '../channels/http/safeClient';
import { createApprovalRows } from '../db/approvals';
import { createAuthyFactRows } from '../db/authyFacts';
import { createBrandingRows } from '../db/brandings';
import { createCodeRows } from '../db/codes';
import { createDeliveryRows } from '../db/deliveries';
import { createDeviceRows } from '../db/devices';
import { createIdempotencyRows } from '../db/idempotency';
import { createInstallationKeyRows } from '../db/installationKeys';
import { createMethodRows } from '../db/methods';
import type { Notifications } from '../db/notifications';
import { createOnboardingRows } from '../db/onboardings';
import { createOneTouchRows } from '../db/oneTouch';
import { createPhoneVerificationRows } from '../db/phoneVerifications';
import { createRecentActRows } from '../db/recentActs';
import { createSentCodeRows } from '../db/sentCodes';
import { createSimulatorRows } from '../db/simulator';
import { createStatisticsRows } from '../db/statistics';
import { createTenantRows } from '../db/tenants';
import { createTotpRows } from '../db/totp';
import { createUserRows } from '../db/users';
import { createWebhookEndpointRows } from '../db/webhookEndpoints';
import type { ApprovalOutcome } from '../domain/approval';
import type { CodeChannel } from '../domain/code';
import type { Verdict } from '../domain/webhook';
import type { Keyring } from '../platform/keys/keyring';
import { createApplications } from './applications';
import { createAccountTokens } from './accountTokens';
import { createApprovals } from './approvals';
import { createApprovalWorkflows } from './approvalWorkflows';
import { createAuthyEvents } from './authyEvents';
import { createCallbackSender } from './callbacks';
import { createCodeDeliveries } from './codeDeliveries';
import { createCodePrompts } from './codePrompts';
import { createCodes } from './codes';
import { createConfirmations } from './confirmations';
import { createDecisions } from './decisions';
import { createDeliveries } from './deliveries';
import { createDevices } from './devices';
import { createEvents } from './events';
import { createEvidence } from './evidence';
import { createIdempotency } from './idempotency';
import { createInstallLinks } from './installLinks';
import { createMethods } from './methods';
import { createOnboardingEnds } from './onboardingEnds';
import { createOnboardingMethods } from './onboardingMethods';
import { createOnboardings } from './onboardings';
import { createOnboardingSteps } from './onboardingSteps';
import { createOnboardingWorkflows } from './onboardingWorkflows';
import { createOneTouch } from './oneTouch';
import { createOneTouchCallbacks } from './oneTouchCallbacks';
import { createPhoneVerifications } from './phoneVerifications';
import { createPhoneVerificationWorkflows } from './phoneVerificationWorkflows';
import { createRegistrationTokens } from './registrationTokens';
import { createReports } from './reports';
import { createSecondFactor } from './secondFactor';
import { createSendLimits } from './sendLimits';
import { createStatistics } from './statistics';
import { createTenants } from './tenants';
import { createTotp } from './totp';
import { createTotpPictures } from './totpPictures';
import { createTurns } from './turns';
import { createUsers } from './users';
import { createVerificationTokens } from './verificationTokens';
import { createWebhookDrains } from './webhookDrains';
import { createWebhooks } from './webhooks';
import { createWebhookSender } from './webhookSender';

export interface ServicesDeps {
  pool: Pool;
  keyring: Keyring;
  notifications: Notifications;
  /** The only way to addresses that tenants gave us. */
  outgoing: Pick<SafeClient, 'post' | 'get'>;
  temporal: () => Client | undefined;
  approvalsQueue: string;
  issuer: () => string;
  /** Those with a provider that sends codes by them. */
  codeChannels: ReadonlySet<CodeChannel>;
  /** Who has it may make tenants; undefined: nobody does by a call. */
  integrationApiKey?: string | undefined;
  /** Refuses a URL that this installation would not call, naming the field. */
  requireUrl: (url: string, field: string) => void;
  onOutcome?: (outcome: ApprovalOutcome) => void;
  onWebhookAttempt?: (result: Verdict['kind']) => void;
  onWorkflowFailure?: (error: unknown) => void;
}

/** Exports and reports that read at the same moment, of the twenty connections of a process. */
const LONG_READS_AT_ONCE = 4;

/** Everything that the product can do, put together once, whoever asks. */
export function createServices(deps: ServicesDeps) {
  const { pool, keyring, notifications, issuer, onOutcome, onWebhookAttempt, onWorkflowFailure } = deps;
  const rows = {
    approvals: createApprovalRows(keyring),
    onboardings: createOnboardingRows(),
    oneTouch: createOneTouchRows(keyring),
    devices: createDeviceRows(keyring),
    users: createUserRows(keyring),
    tenants: createTenantRows(keyring),
    keys: createInstallationKeyRows(keyring),
    idempotency: createIdempotencyRows(keyring),
    endpoints: createWebhookEndpointRows(keyring),
    deliveries: createDeliveryRows(keyring),
    authyFacts: createAuthyFactRows(keyring),
    brandings: createBrandingRows(),
    methods: createMethodRows(),
    codes: createCodeRows(keyring),
    totp: createTotpRows(keyring),
    phoneVerifications: createPhoneVerificationRows(keyring),
    recentActs: createRecentActRows(),
    sentCodes: createSentCodeRows(),
    simulator: createSimulatorRows(keyring),
    statistics: createStatisticsRows(),
  };
  const engine = {
    client: deps.temporal,
    taskQueue: deps.approvalsQueue,
    ...(onWorkflowFailure && { onFailure: onWorkflowFailure }),
  };
  const turns = createTurns(LONG_READS_AT_ONCE);
  const workflows = createApprovalWorkflows(engine);
  const codeDeliveries = createCodeDeliveries(engine);
  const onboardingWorkflows = createOnboardingWorkflows(engine);
  const phoneVerificationWorkflows = createPhoneVerificationWorkflows(engine);
  const methods = createMethods({ pool, ...rows });
  const ends = createOnboardingEnds({ ...rows, methods });
  const confirmations = createConfirmations({ ...rows, ends });
  const tokens = createRegistrationTokens(rows.devices, keyring);
  const installLinks = createInstallLinks({ keyring, publicUrl: issuer, channels: deps.codeChannels });
  const sendLimits = createSendLimits({ ...rows, keyring });
  const codes = createCodes({
    pool,
    ...rows,
    keyring,
    channels: deps.codeChannels,
    deliveries: codeDeliveries,
    sendLimits,
  });
  const totp = createTotp({ pool, ...rows, methods });
  const tenants = createTenants(pool, rows.tenants);
  const callbacks = createCallbackSender({
    client: deps.outgoing,
    readSigningKey: tenants.readSigningKey,
    oneTouch: createOneTouchCallbacks({
      pool,
      ...rows,
      client: deps.outgoing,
      readAuthyApiKey: tenants.readAuthyApiKey,
    }),
  });
  const authyEvents = createAuthyEvents({ pool, ...rows, keyring });
  const decisions = createDecisions({
    pool,
    ...rows,
    confirmations,
    onConfirmationDecided: (onboarding) => onboardingWorkflows.tell(onboarding, 'confirmation_decided'),
    ...(onOutcome && { onOutcome }),
  });
  const steps = createOnboardingSteps({
    pool,
    ...rows,
    decisions,
    approvalWorkflows: workflows,
    ends,
    installLinks,
    sendLimits,
  });
  const approvals = createApprovals({
    pool,
    ...rows,
    decisions,
    workflows,
    notifications,
    requireCallbackUrl: (url) => deps.requireUrl(url, 'callbackUrl'),
  });
  const users = createUsers({ pool, ...rows, decisions, ends, workflows, onboardingWorkflows });
  return {
    rows,
    workflows,
    decisions,
    approvals,
    oneTouch: createOneTouch({ pool, rows: rows.oneTouch, tenants: rows.tenants, approvals, keyring }),
    users,
    accountTokens: createAccountTokens({ pool, tenants: rows.tenants, users, rows: rows.users, tokens }),
    devices: createDevices({
      pool,
      ...rows,
      confirmations,
      tokens,
      keyring,
      onConfirmation({ approval, onboarding: { tenantId, id } }) {
        workflows.start(approval);
        onboardingWorkflows.tell({ tenantId, onboardingId: id }, 'device_registration_complete');
      },
    }),
    onboardings: createOnboardings({
      pool,
      ...rows,
      steps,
      ends,
      methods: createOnboardingMethods({ ...rows, confirmations, codes, totp, tokens, installLinks, sendLimits }),
      codes,
      totp,
      tokens,
      installLinks,
      workflows: onboardingWorkflows,
      approvalWorkflows: workflows,
      notifications,
    }),
    onboardingSteps: steps,
    onboardingWorkflows,
    installLinks,
    methods,
    codes,
    sendLimits,
    codeDeliveries,
    codePrompts: createCodePrompts({ pool, ...rows, engine }),
    totp,
    totpPictures: createTotpPictures({ keyring, totp }),
    secondFactor: createSecondFactor({ pool, ...rows, codes, totp }),
    phoneVerifications: createPhoneVerifications({
      pool,
      ...rows,
      keyring,
      channels: deps.codeChannels,
      sendLimits,
      workflows: phoneVerificationWorkflows,
    }),
    phoneVerificationWorkflows,
    verificationTokens: createVerificationTokens({ pool, tenants: rows.tenants }),
    tenants,
    callbacks,
    drains: createWebhookDrains(engine),
    applications: createApplications({ pool, ...rows, keys: tenants, integrationApiKey: deps.integrationApiKey }),
    authyEvents,
    webhooks: createWebhooks({ pool, ...rows, requireUrl: (url) => deps.requireUrl(url, 'url') }),
    deliveries: createDeliveries({
      pool,
      ...rows,
      sender: createWebhookSender({ pool, ...rows, client: deps.outgoing, callbacks, authyEvents }),
      ...(onWebhookAttempt && { onAttempt: onWebhookAttempt }),
    }),
    events: createEvents({ pool, turns }),
    reports: createReports({ pool, turns, ...rows, authyEvents }),
    statistics: createStatistics(pool, rows.statistics),
    /** Those with a provider that sends codes by them. */
    codeChannels: deps.codeChannels,
    evidence: createEvidence({ pool, ...rows, issuer }),
    idempotency: createIdempotency(pool, rows.idempotency),
  };
}
export type Services = ReturnType<typeof createServices>;
