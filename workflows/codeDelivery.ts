import { ActivityFailure, CancellationScope, isCancellation, setCurrentDetails } from '@temporalio/workflow';
import type { CodeDeliveryActivities } from '../activities/codeDelivery';
import type { CodeDeliveryInput, CodeDeliveryOutcome } from './codeDelivery.messages';
import { forTwoMinutes, ownRows } from './patience';

const own = ownRows<CodeDeliveryActivities>;
const { tryToSendCode } = own('Read the code; where its message is due, try it once');
const { recordCodeFailure } = own('Note that the message did not arrive');

const { sendCode } = forTwoMinutes<CodeDeliveryActivities>('Send the code until the carrier takes it, for two minutes');

const OUTCOME: Record<CodeDeliveryOutcome, string> = {
  sent: 'The carrier has taken the message.',
  failed: 'The message was **not sent**: the carrier did not take it, or the code had expired.',
  not_needed: 'Nothing to send: the code was accepted or replaced meanwhile, or its user was removed.',
};

/** Sends one generation of a code. Its digits are in no history: the activity derives them. */
export async function codeDelivery(given: CodeDeliveryInput): Promise<CodeDeliveryOutcome> {
  const input = { ...given }; // an operator can start it with nothing: then there is no such code
  const outcome = await deliver(input);
  setCurrentDetails(OUTCOME[outcome]);
  return outcome;
}

async function deliver(input: CodeDeliveryInput): Promise<CodeDeliveryOutcome> {
  try {
    const soon = await tryToSendCode(input);
    if (soon !== 'waiting') return soon;
    setCurrentDetails('The carrier has not taken the message yet; it is tried again (Pending Activities).');
    return await sendCode(input);
  } catch (error) {
    // Two minutes of failures, or Temporal's own Cancel.
    if (!(error instanceof ActivityFailure) && !isCancellation(error)) throw error;
    return CancellationScope.nonCancellable(() => recordCodeFailure(input));
  }
}
