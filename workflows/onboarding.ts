import {
  CancellationScope,
  condition,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { OnboardingActivities } from '../activities/onboarding';
import { isOpen } from '../domain/onboarding';
import { COUNTERSIGN_OUTCOME } from '../platform/temporal/searchAttributes';
import { startDeadline } from './deadline';
import type { Deadline } from './deadline';
import { describeOnboarding, describeTimer } from './onboarding.descriptions';
import {
  cancel,
  codeAccepted,
  confirmationDecided,
  deviceRegistrationComplete,
  look,
  methodChosen,
  onboardingState,
} from './onboarding.messages';
import type { OnboardingInput, OnboardingState } from './onboarding.messages';
import { forTwoMinutes, ownRows } from './patience';

const own = ownRows<OnboardingActivities>;
const { beginOnboarding } = own('Read the onboarding; where a link is due, try its text message once');
const { recordOnboardingTime } = own('Expire the onboarding if its time is over, remind if it is time for that');
const { recordOnboardingCancellation } = own('Cancel the onboarding if it is still open');
const { recordLinkFailure } = own('Note that the text message was not taken');
const { closeConfirmation } = own('Cancel the approval that was to confirm it, if it is still open');

const { sendInstallLink } = forTwoMinutes<OnboardingActivities>(
  'Send the install link until the carrier takes it, for two minutes',
);

/** Accompanies one attempt to enable two-factor authentication to its end: enabled, expired or cancelled. */
export async function onboarding(given: OnboardingInput): Promise<OnboardingState> {
  const input = { ...given }; // an operator can start it with nothing: then there is no such onboarding
  let noted = true; // whatever comes with the start, the row is read first
  let cancelled = false;
  let sending = false;
  let deadline: Deadline | undefined;
  let state: OnboardingState = {
    id: input.onboardingId,
    status: 'waiting_for_method',
    reason: null,
    method: null,
    expiresAt: '',
    remainingMs: 0,
    remindInMs: null,
    linkSms: { state: 'none', round: 0 },
    approvalId: null,
  };
  // What happened is written already: whatever a signal says, only its coming counts.
  const note = () => void (noted = true);
  setHandler(methodChosen, note, { description: 'A method was chosen: read the row again' });
  setHandler(deviceRegistrationComplete, note, { description: 'A device was registered: read the row again' });
  setHandler(confirmationDecided, note, { description: 'The approval was decided: read the row again' });
  setHandler(codeAccepted, note, { description: 'The first code was right: read the row again' });
  setHandler(look, note, { description: 'Read the row again: something changed' });
  setHandler(cancel, () => void (cancelled = true), { description: 'Cancel the onboarding if it is still open' });
  setHandler(onboardingState, () => state, { description: 'The onboarding as this workflow last read it' });

  function know(next: Partial<OnboardingState>): void {
    state = { ...state, ...next };
    setCurrentDetails(describeOnboarding(state));
  }

  /** A cancellation makes reading superfluous, and both come before time. */
  function next(): Promise<OnboardingState> {
    if (cancelled) {
      cancelled = false;
      return recordOnboardingCancellation(input);
    }
    if (!noted) return recordOnboardingTime(input);
    noted = false;
    return beginOnboarding(input);
  }

  /** Nobody awaits this, so nothing may escape from it. The person may get the link in another way: nothing waits for it. */
  async function sendPatiently(round: number): Promise<void> {
    sending = true;
    try {
      const linkSms = await sendInstallLink(input);
      if (linkSms?.round === state.linkSms.round) know({ linkSms });
      else noted = true; // another round began meanwhile, or there is nothing to send any more
    } catch (error) {
      if (isCancellation(error)) return;
      log.warn('install link not sent', { onboardingId: input.onboardingId });
      await recordLinkFailure({ ...input, round }).catch(() => {});
      noted = true; // look at what is written now: a failure, or a later round that is still to be sent
    } finally {
      sending = false;
    }
  }

  /** Until something is noted, or it is time for the reminder or the deadline; both are fixed, so one timer goes on. */
  async function wait(): Promise<void> {
    const ms = Math.min(state.remainingMs, state.remindInMs ?? Infinity);
    // Not below a second: the database's clock decides, and ours may be early.
    const due = (deadline ??= startDeadline(Math.max(ms, 1_000), describeTimer(state)));
    await condition(() => noted || cancelled || due.isOver());
    if (due.isOver()) deadline = undefined;
  }

  try {
    know(await next());
    while (isOpen(state)) {
      if (state.linkSms.state === 'waiting' && !sending) void sendPatiently(state.linkSms.round);
      await wait();
      know(await next());
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // Temporal's own Cancel: only a no may come out of it.
    know(await CancellationScope.nonCancellable(() => recordOnboardingCancellation(input)));
  }

  deadline?.cancel();
  if (state.status !== 'enabled') {
    upsertSearchAttributes([{ key: COUNTERSIGN_OUTCOME, value: state.status }]);
    // Nobody should be asked any more to confirm what is over.
    if (state.approvalId !== null) await CancellationScope.nonCancellable(() => closeConfirmation(input));
  }
  return state;
}
