import { CHANNEL_WORDS } from '../domain/code';
import type { CodeDeliveryState } from '../domain/code';
import { readable } from '../domain/instant';
import type { PhoneVerificationState } from './phoneVerification.messages';

const MESSAGE: Record<CodeDeliveryState, string> = {
  waiting: 'The carrier has not taken the message yet; it is tried again (Pending Activities).',
  sent: 'The carrier has taken the message.',
  failed: 'The message was **not sent**: the carrier did not take it. The back end can ask for another one.',
};

const ADVICE =
  'Only the person, through the back end, brings it further; a signal only makes this workflow read what is written. ' +
  '*Request Cancellation* ends it: its code is worth nothing then. *Terminate* only ends this workflow: the verification ' +
  'stays open, and its workflow is started again when something is due.';

/** What an operator reads on top of the workflow's page in the Temporal UI, in Markdown. */
export function describePhoneVerification({ status, expiresAt, attempts, message }: PhoneVerificationState): string {
  if (status === 'verified') return 'The phone is **verified**: the right code was typed.';
  if (status === 'expired') return 'The verification is **expired**: no right code was typed in time, or it was ended.';
  const wrong = attempts === 0 ? '' : ` Wrong so far: ${attempts}.`;
  return (
    `**Waiting for the code** until ${readable(expiresAt)}.${wrong}\n\n` +
    `Message ${message.round}, by ${CHANNEL_WORDS[message.channel]}: ${MESSAGE[message.state]}\n\n${ADVICE}`
  );
}

/** What an operator reads on the timer. */
export const describeTimer = ({ expiresAt }: PhoneVerificationState): string =>
  `The code expires at ${readable(expiresAt)}`;
