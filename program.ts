import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { createApprovalActivities } from './activities/approval';
import type { SendingDeps } from './activities/carry';
import { createCodeDeliveryActivities } from './activities/codeDelivery';
import { createCodePromptActivities } from './activities/codePrompt';
import { createOnboardingActivities } from './activities/onboarding';
import { createPhoneVerificationActivities } from './activities/phoneVerification';
import { createPushing } from './activities/pushing';
import { createReconcileActivities } from './activities/reconcile';
import { createRetentionActivities } from './activities/retention';
import { createWebhookDrainActivities } from './activities/webhookDrain';
import { listen } from './api/listen';
import type { HttpLimits } from './api/listen';
import { createServer } from './api/server';
import { createUnderWay } from './api/underWay';
import { discreetCarriers } from './channels/carriers';
import type { Carriers } from './channels/carriers';
import type { EmailSender } from './channels/email/email';
import { createSmtpSender } from './channels/email/smtp';
import { createHealth } from './channels/health';
import { assertCallbackUrl } from './channels/http/callbackUrl';
import { createSafeClient } from './channels/http/safeClient';
import { discreet } from './channels/push/push';
import type { PushSender } from './channels/push/push';
import { createSimulatedPush } from './channels/simulated/push';
import type { SmsMessage, SmsSender } from './channels/sms/sms';
import type { VoiceSender } from './channels/voice/voice';
import { createNotifications } from './db/notifications';
import { createSimulatorRows } from './db/simulator';
import type { SimulatedMessage, SimulatorRows } from './db/simulator';
import { createPool } from './db/transaction';
import { CODE_CHANNELS } from './domain/code';
import { defaultPublicUrls } from './platform/config';
import type { Config, Role } from './platform/config';
import { createKeyring } from './platform/keys/keyring';
import { createMetrics } from './platform/telemetry/metrics';
import { createPayloadCodec, dataConverter } from './platform/temporal/codec';
import { createTemporalLink } from './platform/temporal/connection';
import { VERSION } from './platform/version';
import { ensureSearchAttributes } from './platform/temporal/searchAttributes';
import { createServices } from './services/services';
import { ensureSchedules } from './workers/schedules';
import { keepWorking, unlessStopped } from './workers/keepWorking';
import { createApprovalsWorker, createWebhooksWorker, loadWorkflowBundle, taskQueues } from './workers/workers';
import type { WorkerDeps } from './workers/workers';

export interface Program {
  /** Where it listens: the API, or without the role `api` only health and metrics. */
  url: string;
  /** Resolves when every role's worker polls: Temporal is there, and workflows run. */
  working: Promise<void>;
  /** Gives notice, takes no more work, lets what is under way end within the grace, and closes everything. */
  close(): Promise<void>;
}

/** What a test puts in the place of the outside world. */
export interface Substitutes {
  pushSenders?: readonly PushSender[];
  smsSender?: SmsSender;
  voiceSender?: VoiceSender;
  emailSender?: EmailSender;
  httpLimits?: HttpLimits;
}

const CALLBACK_TIMEOUT_MS = 10_000;

/** Composes the program from its configuration and runs the roles that it is told. */
export async function startProgram(config: Config, logger: Logger, substitutes: Substitutes = {}): Promise<Program> {
  const keyring = createKeyring(config.masterKeys);
  const metrics = createMetrics();
  const pool = createPool(config.databaseUrl);
  metrics.watchPool(() => pool.totalCount);
  const notifications = createNotifications(config.databaseUrl);
  metrics.watchWaiting(notifications.waiting);
  const queues = taskQueues(config.taskQueuePrefix);
  const converter = dataConverter(keyring);
  const { namespace } = config.temporal;
  let publicUrls = config.publicUrls;
  const underWay = createUnderWay();

  const link = createTemporalLink({
    config,
    dataConverter: converter,
    logger,
    async onUp(connection) {
      if (!config.roles.has('approvals')) return;
      const { reason } = await ensureSearchAttributes(connection, namespace);
      if (reason) logger.warn({ reason }, 'search attributes');
      const client = link.client();
      if (client) await ensureSchedules(client, config.taskQueuePrefix, queues.approvals);
    },
  });
  const simulated = createSimulatedCarrier(pool, createSimulatorRows(keyring));
  const { smsSender: sms, voiceSender: voice, emailSender: email } = substitutes;
  const carriers: Carriers = discreetCarriers({
    ...(config.simulator && { sms: simulated.sms, voice: simulated.voice, email: simulated.email }),
    ...(config.email && { email: createSmtpSender(config.email) }),
    ...(sms && { sms }),
    ...(voice && { voice }),
    ...(email && { email }),
  });
  const outgoing = createSafeClient({ allowPrivate: config.simulator, timeoutMs: CALLBACK_TIMEOUT_MS });
  const services = createServices({
    pool,
    keyring,
    notifications,
    outgoing,
    temporal: () => (link.state() === 'up' ? link.client() : undefined),
    approvalsQueue: queues.approvals,
    issuer: () => publicUrls[0] ?? '',
    requireUrl: (url, field) => assertCallbackUrl(url, { allowPrivate: config.simulator, field }),
    integrationApiKey: config.integrationApiKey,
    codeChannels: new Set(CODE_CHANNELS.filter((channel) => carriers[channel])),
    onOutcome: (outcome) => metrics.approvalDecided(outcome),
    onWebhookAttempt: (result) => metrics.webhookAttempt(result),
    onWorkflowFailure: (error) => logger.debug({ err: error }, 'temporal was not told; reconcile will'),
  });

  const senders = substitutes.pushSenders ?? (config.simulator ? [simulated.push] : []);
  const health = createHealth();
  const sending: SendingDeps = {
    carriers,
    health,
    onMessage: (channel, result) => metrics.messageAttempt(channel, result),
  };
  const pushing = createPushing({
    pool,
    ...services.rows,
    pushSenders: new Map(senders.map((sender) => [sender.kind, discreet(sender)])),
    health,
    onPush: (kind, result) => metrics.pushAttempt(kind, result),
  });
  const activities = {
    ...createApprovalActivities({
      pool,
      ...services.rows,
      decisions: services.decisions,
      callbacks: services.callbacks,
      pushing,
      health,
      onCallback: (result) => metrics.callbackAttempt(result),
    }),
    ...createCodeDeliveryActivities({
      pool,
      ...services.rows,
      digitsOf: services.codes.digitsOf,
      ...sending,
    }),
    ...createCodePromptActivities({ pushing }),
    ...createOnboardingActivities({
      pool,
      ...services.rows,
      steps: services.onboardingSteps,
      links: services.installLinks,
      ...sending,
    }),
    ...createPhoneVerificationActivities({
      pool,
      ...services.rows,
      service: services.phoneVerifications,
      ...sending,
    }),
    ...createReconcileActivities({
      pool,
      approvals: services.rows.approvals,
      codes: services.rows.codes,
      onboardings: services.rows.onboardings,
      onboardingSteps: services.onboardingSteps,
      onboardingWorkflows: services.onboardingWorkflows,
      phoneVerifications: services.rows.phoneVerifications,
      verifications: services.phoneVerifications,
      phoneVerificationWorkflows: services.phoneVerificationWorkflows,
      codeDeliveries: services.codeDeliveries,
      decisions: services.decisions,
      workflows: services.workflows,
      deliveries: services.deliveries,
      drains: services.drains,
      onReconciled: (kind) => metrics.reconciled(kind),
    }),
    ...createRetentionActivities({ pool }),
    ...createWebhookDrainActivities({ deliveries: services.deliveries }),
  };

  const create: Record<Exclude<Role, 'api'>, (deps: WorkerDeps) => Promise<Worker>> = {
    approvals: async (deps) =>
      createApprovalsWorker(deps, await loadWorkflowBundle(config.workflowBundlePath), activities),
    webhooks: (deps) => createWebhooksWorker(deps, activities),
  };
  const workers = (['approvals', 'webhooks'] as const)
    .filter((role) => config.roles.has(role))
    .map((role) =>
      keepWorking(role, logger, async (stopping) =>
        create[role]({
          connection: await unlessStopped(link.connection(), stopping),
          namespace,
          dataConverter: converter,
          queues,
          shutdownGraceSeconds: config.shutdownGraceSeconds,
          buildId: config.buildId,
        }),
      ),
    );

  const unfollow = config.roles.has('webhooks') ? services.drains.followDeliveries(notifications) : () => {};

  const app = createServer({
    services,
    pool,
    logger,
    metrics,
    version: VERSION,
    publicUrls: () => publicUrls,
    temporalIsUp: () => link.state() === 'up',
    underWay,
    simulator: config.simulator,
    withApi: config.roles.has('api'),
    codec:
      config.codecOrigin === undefined
        ? undefined
        : { codec: createPayloadCodec(keyring), uiOrigin: config.codecOrigin },
  });
  const server = await listen(app, config, substitutes.httpLimits);
  const { port } = server.address() as AddressInfo;
  if (publicUrls.length === 0) publicUrls = defaultPublicUrls(port);
  logger.info({ port }, 'listening');

  return {
    url: `http://${config.host}:${port}`,
    working: Promise.all(workers.map((worker) => worker.working)).then(() => {}),
    async close() {
      unfollow();
      const stopped = Promise.all(workers.map((worker) => worker.stop()));
      // /readyz says so from now on; until balancers have asked, they send requests, which are answered as ever.
      underWay.turnAway();
      if (config.roles.has('api')) await delay(config.shutdownNoticeSeconds * 1_000);
      const over = delay(config.shutdownGraceSeconds * 1_000, undefined, { ref: false });
      // Still listening: whoever has not heard yet that we stop is answered too.
      await Promise.all([Promise.race([underWay.drain(), over]), stopped]);
      const closed = once(server, 'close');
      server.close();
      await Promise.race([closed, over]); // by now every reply ends its connection
      server.closeAllConnections();
      await closed;
      await Promise.all([link.close(), notifications.close(), outgoing.close()]);
      await pool.end();
    },
  };
}

/** The phones of the development stack: what is sent becomes a row that the inbox page shows. */
function createSimulatedCarrier(pool: Pool, rows: SimulatorRows) {
  const textOf =
    (kind: Exclude<SimulatedMessage['kind'], 'push'>) =>
    ({ idempotencyKey: id, tenantId, to, text }: SmsMessage) =>
      rows.insert(pool, { id, tenantId, kind, to, text, deviceId: null, approvalId: null, about: null });
  return {
    push: createSimulatedPush(({ idempotencyKey: id, tenantId, deviceId, approvalId, about }) =>
      rows.insert(pool, { id, tenantId, kind: 'push', deviceId, approvalId, about, to: null, text: null }),
    ),
    sms: { send: textOf('sms') },
    voice: { send: textOf('voice') },
    email: { send: textOf('email') },
  };
}
