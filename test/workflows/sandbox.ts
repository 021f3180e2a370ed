import { readFileSync } from 'node:fs';
import {
  defaultFailureConverter,
  defaultPayloadConverter,
  toPayloads,
  TypedSearchAttributes,
} from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import { fromPayloadsAtIndex } from '@temporalio/common/lib/converter/payload-converter';
import { msToTs, tsToMs } from '@temporalio/common/lib/time';
import { coresdk } from '@temporalio/proto';
import { parseWorkflowCode } from '@temporalio/worker/lib/worker';
import { VMWorkflowCreator } from '@temporalio/worker/lib/workflow/vm';
import { keptWorkflowBundle } from '../../stack/workflowBundle';

// The SDK's own sandbox without a server, with virtual time. It stands on internals of SDK 1.24.0 (hence the exact pin):
// activities answer as soon as their function does, they are not retried, and commands become no events. What a server
// makes of a workflow is for test/histories and test/operators.

type Job = coresdk.workflow_activation.IWorkflowActivationJob;
type Command = coresdk.workflow_commands.IWorkflowCommand;
type Activities = Record<string, (input: never) => unknown>;

const MOST_ACTIVATIONS = 500;
const START_MS = Date.UTC(2026, 4, 4, 10);
const ID = 'approval/tenant/one';

export interface SandboxRun {
  /** Undefined while it runs. */
  result(): { value?: unknown; error?: Error; continuedWith?: unknown } | undefined;
  /** What is scheduled at this moment: ms from now, and the sentence on it. */
  timers(): { inMs: number; summary: unknown }[];
  /** Search attributes that were upserted. */
  upserted(): readonly string[];
  signal(name: string, ...args: unknown[]): Promise<void>;
  /** A signal whose payload is as it is, not as our converter writes it. */
  signalRaw(name: string, ...payloads: Payload[]): Promise<void>;
  /** From now on the server says that the history has grown long. */
  suggestContinueAsNew(): void;
  /** Temporal's own Cancel. */
  cancel(): Promise<void>;
  query(name: string): Promise<unknown>;
  /** Lets virtual time pass. */
  skip(ms: number): Promise<void>;
  /** Takes up what activities have answered meanwhile. */
  settle(): Promise<void>;
}

export interface Sandbox {
  start(workflowType: string, input: unknown, activities: Activities, before?: readonly Job[]): Promise<SandboxRun>;
  close(): Promise<void>;
}

export const signalJob = (signalName: string, ...args: unknown[]): Job => ({
  signalWorkflow: { signalName, input: toPayloads(defaultPayloadConverter, ...args) ?? [] },
});
export const cancelJob: Job = { cancelWorkflow: { reason: 'an operator' } };

/** Loads the bundle of the workflows once; each run is independent. `before` arrives together with the start. */
export async function createSandbox(activityNames: readonly string[]): Promise<Sandbox> {
  const code = readFileSync(await keptWorkflowBundle(), 'utf8');
  const creator = await VMWorkflowCreator.create(parseWorkflowCode(code), 5_000, new Set(activityNames));
  let runs = 0;

  async function start(type: string, input: unknown, activities: Activities, before: readonly Job[] = []) {
    const runId = `run-${++runs}`;
    let nowMs = START_MS;
    let queries = 0;
    let activations = 0;
    let result: ReturnType<SandboxRun['result']>;
    let continueAsNewSuggested = false;
    const timers = new Map<number, { atMs: number; summary: unknown }>();
    const answered: Job[] = [];
    const upserted: string[] = [];
    let answer: unknown;
    const workflow = await creator.createWorkflow(creation(runId, type, nowMs));

    async function activate(jobs: Job[]): Promise<void> {
      activations += 1;
      if (activations > MOST_ACTIVATIONS) throw new Error('the workflow spins');
      const activation = { runId, timestamp: msToTs(nowMs), jobs, continueAsNewSuggested };
      const completion = await workflow.activate(coresdk.workflow_activation.WorkflowActivation.fromObject(activation));
      if (completion.failed) throw new Error(`workflow task failed: ${completion.failed.failure?.message}`);
      const commands = completion.successful?.commands ?? [];
      const called = commands.flatMap(({ requestCancelLocalActivity: off }) => (off ? [off.seq!] : []));
      for (const command of commands) apply(command, called);
    }

    /** An activity answers as a job, whenever its function does. */
    async function call(seq: number, isLocal: boolean, activityType: string, payloads: Payload[]): Promise<void> {
      const argument = fromPayloadsAtIndex(defaultPayloadConverter, 0, payloads);
      answered.push({ resolveActivity: { seq, isLocal, result: await outcome(activities, activityType, argument) } });
    }

    function apply(command: Command, calledOff: readonly number[]): void {
      const { startTimer, cancelTimer, scheduleActivity, scheduleLocalActivity, respondToQuery } = command;
      if (startTimer) {
        const summary = command.userMetadata?.summary;
        timers.set(startTimer.seq!, {
          atMs: nowMs + tsToMs(startTimer.startToFireTimeout),
          summary: summary && defaultPayloadConverter.fromPayload(summary),
        });
      }
      if (cancelTimer) timers.delete(cancelTimer.seq!);
      const scheduled = scheduleActivity ?? scheduleLocalActivity;
      if (scheduled) {
        const { seq, activityType, arguments: args } = scheduled;
        const isLocal = scheduleLocalActivity != null;
        // Called off in the activation that asked for it: it never starts.
        if (isLocal && calledOff.includes(seq!)) {
          answered.push({ resolveActivity: { seq: seq!, isLocal, result: cancelledOutcome(activityType!) } });
        } else {
          void call(seq!, isLocal, activityType!, args ?? []);
        }
      }
      const attributes = command.upsertWorkflowSearchAttributes?.searchAttributes?.indexedFields;
      for (const [name, value] of Object.entries(attributes ?? {})) {
        upserted.push(`${name}=${String(defaultPayloadConverter.fromPayload(value))}`);
      }
      if (respondToQuery?.succeeded) answer = defaultPayloadConverter.fromPayload(respondToQuery.succeeded.response!);
      const { completeWorkflowExecution: done, failWorkflowExecution: failed } = command;
      if (done) result = { value: done.result ? defaultPayloadConverter.fromPayload(done.result) : undefined };
      if (failed) result = { error: defaultFailureConverter.failureToError(failed.failure!, defaultPayloadConverter) };
      const continued = command.continueAsNewWorkflowExecution;
      if (continued) {
        result = { continuedWith: fromPayloadsAtIndex(defaultPayloadConverter, 0, continued.arguments ?? []) };
      }
      if (command.cancelWorkflowExecution) result = { error: new Error('cancelled') };
    }

    async function settle(): Promise<void> {
      for (;;) {
        await new Promise(setImmediate); // whatever has its answer gives it before this resolves
        const jobs = answered.splice(0);
        if (jobs.length === 0 || result) return;
        await activate(jobs);
      }
    }

    async function act(...jobs: Job[]): Promise<void> {
      await activate(jobs);
      await settle();
    }

    const run: SandboxRun = {
      result: () => result,
      timers: () => [...timers.values()].map(({ atMs, summary }) => ({ inMs: atMs - nowMs, summary })),
      upserted: () => upserted,
      signal: (name, ...args) => act(signalJob(name, ...args)),
      signalRaw: (signalName, ...input) => act({ signalWorkflow: { signalName, input } }),
      suggestContinueAsNew: () => void (continueAsNewSuggested = true),
      cancel: () => act(cancelJob),
      settle,
      async query(queryType) {
        await activate([{ queryWorkflow: { queryId: `q${++queries}`, queryType, arguments: [] } }]);
        return answer;
      },
      async skip(ms) {
        const targetMs = nowMs + ms;
        for (;;) {
          const [due] = [...timers].filter(([, { atMs }]) => atMs <= targetMs).sort((a, b) => a[1].atMs - b[1].atMs);
          if (!due || result) break;
          timers.delete(due[0]);
          nowMs = due[1].atMs;
          await act({ fireTimer: { seq: due[0] } });
        }
        nowMs = targetMs;
      },
    };

    const args = toPayloads(defaultPayloadConverter, input) ?? [];
    await act({ initializeWorkflow: { workflowId: ID, workflowType: type, arguments: args } }, ...before);
    return run;
  }

  return { start, close: () => creator.destroy() };
}

async function outcome(activities: Activities, activityType: string, argument: unknown) {
  try {
    const value: unknown = await activities[activityType]!(argument as never);
    return { completed: value === undefined ? {} : { result: defaultPayloadConverter.toPayload(value) } };
  } catch (error) {
    const cause = defaultFailureConverter.errorToFailure(error, defaultPayloadConverter);
    return { failed: { failure: { message: 'Activity task failed', cause, ...about(activityType) } } };
  }
}

function cancelledOutcome(activityType: string) {
  const cause = { message: 'called off', canceledFailureInfo: {} };
  return { cancelled: { failure: { message: 'Activity cancelled', cause, ...about(activityType) } } };
}

const about = (name: string) => ({
  activityFailureInfo: { activityType: { name }, activityId: '1', identity: 'test' },
});

function creation(
  runId: string,
  workflowType: string,
  nowMs: number,
): Parameters<VMWorkflowCreator['createWorkflow']>[0] {
  return {
    info: {
      workflowType,
      runId,
      workflowId: ID,
      namespace: 'default',
      firstExecutionRunId: runId,
      originalExecutionRunId: runId,
      attempt: 1,
      taskTimeoutMs: 5_000,
      taskQueue: 'test-approvals',
      searchAttributes: {},
      typedSearchAttributes: new TypedSearchAttributes(),
      historyLength: 3,
      historySize: 300,
      continueAsNewSuggested: false,
      targetWorkerDeploymentVersionChanged: false,
      unsafe: { isReplaying: false, isReplayingHistoryEvents: false, now: Date.now, random: {} as never },
      startTime: new Date(nowMs),
      runStartTime: new Date(nowMs),
    },
    randomnessSeed: [1, 2, 3, 4],
    now: nowMs,
    showStackTraceSources: false,
  };
}
