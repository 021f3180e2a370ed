import {
  CancellationScope,
  condition,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { PhoneVerificationActivities } from '../activities/phoneVerification';
import { COUNTERSIGN_OUTCOME } from '../platform/temporal/searchAttributes';
import { startDeadline } from './deadline';
import type { Deadline } from './deadline';
import { describePhoneVerification, describeTimer } from './phoneVerification.descriptions';
import { codeChecked, look, phoneVerificationState, resend } from './phoneVerification.messages';
import type { PhoneVerificationInput, PhoneVerificationState } from './phoneVerification.messages';
import { forTwoMinutes, ownRows } from './patience';

const own = ownRows<PhoneVerificationActivities>;
const { readPhoneVerification } = own(
  'Read the verification: expire it if its time is over; where a message is due, try it once',
);
const { recordPhoneVerificationCancellation } = own('End the verification if it is still pending');
const { recordVerificationFailure } = own('Note that the message was not taken');

const { sendVerification } = forTwoMinutes<PhoneVerificationActivities>(
  'Send the code until the carrier takes it, for two minutes',
);

/** Accompanies one verification of a phone number to its end: verified or expired. Its code is in no history. */
export async function phoneVerification(given: PhoneVerificationInput): Promise<PhoneVerificationState> {
  const input = { ...given }; // an operator can start it with nothing: then there is no such verification
  let noted = false;
  let sending = false;
  let deadline: Deadline | undefined;
  let state: PhoneVerificationState = {
    id: input.verificationId,
    status: 'pending',
    expiresAt: '',
    remainingMs: 0,
    attempts: 0,
    message: { channel: 'sms', state: 'waiting', round: 0 },
  };
  // What happened is written already: whatever a signal says, only its coming counts.
  const note = () => void (noted = true);
  setHandler(codeChecked, note, { description: 'The right code was typed: read the row again' });
  setHandler(resend, note, { description: 'One more message was asked for: read the row again' });
  setHandler(look, note, { description: 'Read the row again: something changed' });
  setHandler(phoneVerificationState, () => state, { description: 'The verification as this workflow last read it' });

  function know(next: PhoneVerificationState): void {
    state = next;
    setCurrentDetails(describePhoneVerification(state));
  }

  async function read(): Promise<void> {
    noted = false;
    know(await readPhoneVerification(input));
  }

  /** Nobody awaits this, so nothing may escape from it. The right code may be typed before a carrier says that it sent it. */
  async function sendPatiently(round: number): Promise<void> {
    sending = true;
    try {
      await sendVerification(input);
    } catch (error) {
      if (isCancellation(error)) return;
      log.warn('code not sent', { verificationId: input.verificationId });
      await recordVerificationFailure({ ...input, round }).catch(() => {});
    } finally {
      sending = false;
      noted = true; // look at what is written now: how it fared, or a later round that is still to be sent
    }
  }

  try {
    await read();
    while (state.status === 'pending') {
      if (state.message.state === 'waiting' && !sending) void sendPatiently(state.message.round);
      // Not below a second: the database's clock decides, and ours may be early.
      const due = (deadline ??= startDeadline(Math.max(state.remainingMs, 1_000), describeTimer(state)));
      await condition(() => noted || due.isOver());
      if (due.isOver()) deadline = undefined;
      await read();
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // Temporal's own Cancel: only a no may come out of it.
    know(await CancellationScope.nonCancellable(() => recordPhoneVerificationCancellation(input)));
  }

  deadline?.cancel();
  if (state.status !== 'verified') upsertSearchAttributes([{ key: COUNTERSIGN_OUTCOME, value: state.status }]);
  return state;
}
