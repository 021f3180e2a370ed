import {
  ActivityFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ApprovalActivities } from '../activities/approval';
import { COUNTERSIGN_OUTCOME } from '../platform/temporal/searchAttributes';
import { approvalState, approve, cancel, deny, look } from './approval.messages';
import type { ApprovalInput, ApprovalState, SignedAnswer } from './approval.messages';

const WEBHOOKS = 'webhooks';

// Our own rows: short, frequent, safe to repeat. They answer with the approval as it stands, never with a refusal. They
// try for ever: PostgreSQL being away for a while must not fail an approval.
const { begin, recordAnswer, recordExpiry, recordCancellation, recordPushFailure, tryCallback, keepCallback } =
  proxyLocalActivities<ApprovalActivities>({
    startToCloseTimeout: '3 seconds',
    retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds' },
    localRetryThreshold: '3 seconds',
  });

// Other people's networks: one quick try inside such a local activity (in `begin`, and in `tryCallback`, which answers
// false rather than fail). Where that fails, patience in sight of the operators. Two minutes: a push that comes later
// tells nobody anything.
const { notifyDevices } = proxyActivities<ApprovalActivities>({
  summary: 'Push to the phones',
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '20 seconds' },
});

/** Ten minutes on a queue of its own; every attempt within the two minutes that `reconcile` gives it. */
const patientCallback = () =>
  proxyActivities<ApprovalActivities>({
    summary: 'Tell the back end the outcome',
    taskQueue: workflowInfo().taskQueue.replace(/approvals$/, WEBHOOKS),
    startToCloseTimeout: '20 seconds',
    scheduleToCloseTimeout: '10 minutes',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
  }).deliverCallback;

/** Carries one approval from the push to its outcome: approved, denied, expired or cancelled. */
export async function approval(input: ApprovalInput): Promise<ApprovalState> {
  const answers: SignedAnswer[] = [];
  let cancelled = false;
  let looking = false;
  let pushing: Promise<void> | undefined;
  let state: ApprovalState = {
    id: input.approvalId,
    status: 'pending',
    remainingMs: 0,
    push: 'due',
    pushRound: 0,
    callback: 'done',
  };
  setHandler(approve, (answer) => void answers.push(answer), { description: "A device's signed yes" });
  setHandler(deny, (answer) => void answers.push(answer), { description: "A device's signed no" });
  setHandler(cancel, () => void (cancelled = true), { description: 'Withdraw the approval if it is still open' });
  setHandler(look, () => void (looking = true), { description: 'Read the row again: something changed' });
  setHandler(approvalState, () => state, { description: 'The approval as this workflow last read it' });

  /** What was noted comes first in the order in which it is safe: a signed answer before a cancellation, both before time. */
  async function next(): Promise<ApprovalState> {
    const answer = answers.shift();
    // An operator can send anything: what is no answer at all is looked at like an empty one, and counts nothing.
    if (answer) return recordAnswer({ ...input, answer: String(answer.answer) });
    if (cancelled) return recordCancellation(input);
    if (looking) {
      looking = false;
      return begin(input);
    }
    return recordExpiry(input);
  }

  const noted = () => answers.length > 0 || cancelled || looking;

  try {
    state = await begin(input);
    while (state.status === 'pending') {
      if (state.push === 'due') pushing ??= pushPatiently(input).finally(() => (pushing = undefined));
      setCurrentDetails(describe(state));
      // Not below a second: the database's clock decides, and ours may be early.
      await condition(noted, Math.max(state.remainingMs, 1_000));
      state = await next();
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // Temporal's own Cancel: only a no may come out of it, and it is delivered like any outcome.
    state = await CancellationScope.nonCancellable(() => recordCancellation(input));
  }

  setCurrentDetails(describe(state));
  if (state.status !== 'approved') upsertSearchAttributes([{ key: COUNTERSIGN_OUTCOME, value: state.status }]);
  if (state.callback === 'due') await CancellationScope.nonCancellable(() => deliverOutcome(input));
  return { ...state, callback: 'done' };
}

/** One quick try, then ten minutes of patience; after that the callback is kept as a row, and the approval closes. */
async function deliverOutcome(input: ApprovalInput): Promise<void> {
  if (await tryCallback(input)) return;
  setCurrentDetails('Decided. The back end did not take the callback at once; it is tried again.');
  try {
    await patientCallback()(input);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    await keepCallback({ ...input, reason: error.cause?.message ?? error.message });
  }
}

/** Nobody awaits this, so nothing may escape from it. A push is a hint: no answer waits for it. */
async function pushPatiently(input: ApprovalInput): Promise<void> {
  try {
    await notifyDevices(input);
  } catch (error) {
    if (isCancellation(error)) return;
    log.warn('push not delivered', { approvalId: input.approvalId });
    await recordPushFailure(input).catch(() => {});
  }
}

function describe(state: ApprovalState): string {
  if (state.status !== 'pending') return `The approval is **${state.status}**.`;
  const push = state.push === 'due' ? ' The push has not reached the phone yet.' : '';
  return `Waiting for an answer, at most ${Math.ceil(state.remainingMs / 1_000)} s from here.${push}`;
}
