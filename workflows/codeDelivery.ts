import {
  ActivityFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { CodeDeliveryActivities } from '../activities/codeDelivery';
import type { CodeDeliveryInput, CodeDeliveryOutcome } from './codeDelivery.messages';

// Our own rows, and one quick try that answers `waiting` rather than fail. They try for ever: PostgreSQL being away for a
// while must not fail a delivery.
const own = (summary: string) =>
  proxyLocalActivities<CodeDeliveryActivities>({
    summary,
    startToCloseTimeout: '3 seconds',
    retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds' },
    localRetryThreshold: '3 seconds',
  });
const { tryToSendCode } = own('Read the code; where its message is due, try it once');
const { recordCodeFailure } = own('Note that the message did not arrive');

// Other people's networks, in sight of the operators. Two minutes: somebody waits for the code, and asks again by then.
const { sendCode } = proxyActivities<CodeDeliveryActivities>({
  summary: 'Send the code until the carrier takes it, for two minutes',
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '20 seconds' },
});

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
