import {
  ActivityFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  proxyActivities,
  rootCause,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ApprovalActivities } from '../activities/approval';
import type { CallbackState } from '../domain/approval';
import { COUNTERSIGN_OUTCOME } from '../platform/temporal/searchAttributes';
import { describeApproval, describeWait } from './approval.descriptions';
import { approvalState, approve, cancel, deny, isOfSeveral, look } from './approval.messages';
import type { ApprovalInput, ApprovalState, SignedAnswer } from './approval.messages';
import { startDeadline } from './deadline';
import type { Deadline } from './deadline';
import { forTwoMinutes, ownRows } from './patience';

const WEBHOOKS = 'webhooks';

const own = ownRows<ApprovalActivities>;
const { begin } = own('Read the approval; where a push is due, try it once');
const { recordAnswer } = own('Judge the answer of a device and write it down');
const { recordExpiry } = own('Expire the approval if its time is over');
const { recordCancellation } = own('Cancel the approval if it is still open');
const { recordPushFailure } = own('Note that the push did not arrive');
const { tryCallback } = own('Tell the back end the outcome, one quick try');
const { tryToTellApprovers } = own('Push to the others that it is decided, one quick try');
const { keepCallback } = own('Keep the callback that nobody took');

const { notifyDevices } = forTwoMinutes<ApprovalActivities>(
  'Push to the phones until one try succeeds, for two minutes',
);

const { tellApprovers } = forTwoMinutes<ApprovalActivities>('Push to the others that it is decided, for two minutes');

/** Ten minutes on a queue of its own; every attempt within the two minutes that `reconcile` gives it. */
const patientCallback = () =>
  proxyActivities<ApprovalActivities>({
    summary: 'Tell the back end the outcome until it takes it, for ten minutes',
    taskQueue: workflowInfo().taskQueue.replace(/approvals$/, WEBHOOKS),
    startToCloseTimeout: '20 seconds',
    scheduleToCloseTimeout: '10 minutes',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
  }).deliverCallback;

/** Carries one approval from the push to its outcome: approved, denied, expired or cancelled. */
export async function approval(given: ApprovalInput): Promise<ApprovalState> {
  const input = { ...given }; // an operator can start it with nothing: then there is no such approval
  const answers: string[] = [];
  let cancelled = false;
  let looking = false;
  let pushing = false;
  let deadline: Deadline | undefined;
  let state: ApprovalState = {
    id: input.approvalId,
    status: 'pending',
    expiresAt: '',
    remainingMs: 0,
    push: { state: 'none', round: 0 },
    callback: { state: 'none' },
  };
  const note = (answer: SignedAnswer) => void answers.push(toText(answer));
  setHandler(approve, note, { description: "A device's signed yes; one typed by hand counts nothing" });
  setHandler(deny, note, { description: "A device's signed no; one typed by hand counts nothing" });
  setHandler(cancel, () => void (cancelled = true), { description: 'Withdraw the approval if it is still open' });
  setHandler(look, () => void (looking = true), { description: 'Read the row again: something changed' });
  setHandler(approvalState, () => state, { description: 'The approval as this workflow last read it' });

  function know(next: Partial<ApprovalState>): void {
    state = { ...state, ...next };
    setCurrentDetails(describeApproval(state));
  }

  /** What was noted comes first in the order in which it is safe: a signed answer before a cancellation, both before time. */
  function next(): Promise<ApprovalState> {
    const answer = answers.shift();
    if (answer !== undefined) return recordAnswer({ ...input, answer });
    if (cancelled) return recordCancellation(input);
    if (!looking) return recordExpiry(input);
    looking = false;
    return begin(input);
  }

  /** Nobody awaits this, so nothing may escape from it. A push is a hint: no answer waits for it. */
  async function pushPatiently(round: number): Promise<void> {
    pushing = true;
    try {
      const push = await notifyDevices(input);
      if (push?.round === state.push.round) know({ push });
      else looking = true; // a resend came meanwhile: that is a round of its own, still to be pushed; or it is decided
    } catch (error) {
      if (isCancellation(error)) return;
      log.warn('push not delivered', { approvalId: input.approvalId });
      await recordPushFailure({ ...input, round }).catch(() => {});
      looking = true; // at what is written now: a failure, or a later round that is still to be pushed
    } finally {
      pushing = false;
    }
  }

  /** One quick try, then ten minutes of patience; after that the callback is kept as a row, and the approval closes. */
  async function deliverOutcome(): Promise<CallbackState> {
    const soon = await tryCallback(input);
    if (soon !== 'waiting') return soon;
    try {
      return await patientCallback()(input);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return keepCallback({ ...input, reason: rootCause(error) ?? error.message });
    }
  }

  /** One quick try, then two minutes of patience. A hint like every push: its failure ends nothing. */
  async function tellOthers(): Promise<void> {
    try {
      if (!(await tryToTellApprovers(input))) await tellApprovers(input);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      log.warn('not every phone was told that it is decided', { approvalId: input.approvalId });
    }
  }

  /** Until something is noted, or the deadline. */
  async function wait(): Promise<void> {
    const noted = () => answers.length > 0 || cancelled || looking;
    // Not below a second: the database's clock decides, and ours may be early.
    const ms = Math.max(state.remainingMs, 1_000);
    const summary = describeWait(state);
    if (!isOfSeveral(state)) return void (await condition(noted, ms, { summary }));
    // One timer for the answers of all people: a new one for each would be two more events.
    const due = (deadline ??= startDeadline(ms, summary));
    await condition(() => noted() || due.isOver());
    if (due.isOver()) deadline = undefined;
  }

  try {
    know(await begin(input));
    while (state.status === 'pending') {
      if (state.push.state === 'waiting' && !pushing) void pushPatiently(state.push.round);
      await wait();
      know(await next());
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // Temporal's own Cancel: only a no may come out of it, and it is delivered like any outcome.
    know(await CancellationScope.nonCancellable(() => recordCancellation(input)));
  }

  deadline?.cancel();
  const telling = isOfSeveral(state) ? CancellationScope.nonCancellable(tellOthers) : undefined;
  if (state.status !== 'approved') upsertSearchAttributes([{ key: COUNTERSIGN_OUTCOME, value: state.status }]);
  if (state.callback.state === 'waiting') {
    know({ callback: { state: await CancellationScope.nonCancellable(deliverOutcome) } });
  }
  await telling;
  return state;
}

/** An operator can send anything: what is no answer at all becomes an empty one, which is refused like a forged one. */
function toText(signed: unknown): string {
  const answer = (signed as Partial<SignedAnswer> | null | undefined)?.answer;
  return typeof answer === 'string' ? answer : '';
}
