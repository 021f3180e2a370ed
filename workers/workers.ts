import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerOptions, WorkflowBundle } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ApprovalActivities } from '../activities/approval';
import type { CodeDeliveryActivities } from '../activities/codeDelivery';
import type { CodePromptActivities } from '../activities/codePrompt';
import type { OnboardingActivities } from '../activities/onboarding';
import type { PhoneVerificationActivities } from '../activities/phoneVerification';
import type { ReconcileActivities } from '../activities/reconcile';
import type { RetentionActivities } from '../activities/retention';
import type { WebhookDrainActivities } from '../activities/webhookDrain';
import type { ApprovalInput } from '../workflows/approval.messages';
import type { DrainInput } from '../workflows/webhookDrain.messages';
import { bundledConverters } from '../platform/temporal/codec';

export interface TaskQueues {
  /** Workflows, local activities, pushes. */
  approvals: string;
  /** Slow and failing deliveries, so that a bad endpoint delays nobody else. */
  webhooks: string;
}

export const taskQueues = (prefix: string): TaskQueues => ({
  approvals: `${prefix}-approvals`,
  webhooks: `${prefix}-webhooks`,
});

export interface WorkerDeps {
  connection: NativeConnection;
  namespace: string;
  dataConverter: DataConverter;
  queues: TaskQueues;
  shutdownGraceSeconds: number;
  buildId: string | undefined;
}

const shared = (deps: WorkerDeps, role: string): Omit<WorkerOptions, 'taskQueue'> => ({
  connection: deps.connection,
  namespace: deps.namespace,
  dataConverter: deps.dataConverter,
  shutdownGraceTime: `${deps.shutdownGraceSeconds} seconds`,
  shutdownForceTime: `${deps.shutdownGraceSeconds + 10} seconds`,
  // Versioned only on request: a versioned worker without a current version gets no ordinary starts.
  ...(deps.buildId === undefined
    ? {}
    : {
        workerDeploymentOptions: {
          version: { deploymentName: `countersign-${role}`, buildId: deps.buildId },
          useWorkerVersioning: true,
          defaultVersioningBehavior: 'PINNED',
        },
      }),
});

/** The role `approvals`: runs the workflows, their local activities and pushes. */
export function createApprovalsWorker(
  deps: WorkerDeps,
  workflowBundle: WorkflowBundle | { codePath: string },
  activities: ApprovalActivities &
    CodeDeliveryActivities &
    CodePromptActivities &
    OnboardingActivities &
    PhoneVerificationActivities &
    ReconcileActivities &
    RetentionActivities,
): Promise<Worker> {
  return Worker.create({
    ...shared(deps, 'approvals'),
    taskQueue: deps.queues.approvals,
    workflowBundle,
    activities,
    maxCachedWorkflows: 1_000,
  });
}

/** The role `webhooks`: delivers what endpoints did not take at once. */
export function createWebhooksWorker(
  deps: WorkerDeps,
  activities: ApprovalActivities & WebhookDrainActivities,
): Promise<Worker> {
  return Worker.create({
    ...shared(deps, 'webhooks'),
    taskQueue: deps.queues.webhooks,
    activities: {
      deliverCallback: (input: ApprovalInput) => activities.deliverCallback(input),
      drainBatch: (input: DrainInput) => activities.drainBatch(input),
    },
    // Sick endpoints hold a slot each while they are waited for; healthy ones beside them must find one.
    maxConcurrentActivityTaskExecutions: 500,
    // As often as they say that they are alive: by default it would be so seldom that a late one is taken for dead.
    maxHeartbeatThrottleInterval: '3 seconds',
  });
}

/** The workflow code for the sandbox: prebuilt beside the compiled program, or bundled now. */
export async function loadWorkflowBundle(path: string | undefined): Promise<WorkflowBundle | { codePath: string }> {
  const prebuilt = path ?? join(__dirname, '..', 'workflow-bundle.js');
  if (existsSync(prebuilt)) return { codePath: prebuilt };
  return bundleWorkflowCode({
    workflowsPath: require.resolve('../workflows/index'),
    ...bundledConverters,
    logger: new DefaultLogger('ERROR'),
  });
}
