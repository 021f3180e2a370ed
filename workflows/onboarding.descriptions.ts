import { readable } from '../domain/instant';
import { isOpen } from '../domain/onboarding';
import type { LinkState, OnboardingStatus } from '../domain/onboarding';
import type { OnboardingState } from './onboarding.messages';

const STATUS: Record<OnboardingStatus, string> = {
  waiting_for_method: '**Waiting for the back end to choose a method**',
  waiting_for_device: '**Waiting for the person to register a device**',
  waiting_for_confirmation: '**Waiting for the person to confirm on the device**, by an approval of its own',
  waiting_for_code: '**Waiting for the first code**',
  enabled: 'Two-factor authentication is **enabled**.',
  expired: 'The onboarding is **expired**: it did not come to its end in time.',
  cancelled: 'The onboarding is **cancelled**',
};

const LINK: Record<LinkState, string> = {
  none: 'No text message with an install link is to be sent.',
  waiting: 'The text message with the install link has not been taken yet; it is tried again (Pending Activities).',
  sent: 'The text message with the install link was sent.',
  failed: 'The text message with the install link was not taken. The back end can send it again, or another way.',
};

const ADVICE =
  'Only the person and the back end bring it further; a signal only makes this workflow read what is written. ' +
  '*Request Cancellation* cancels the onboarding. *Terminate* only ends this workflow: the onboarding stays open, and ' +
  'its workflow is started again when something is due.';

/** What an operator reads on top of the workflow's page in the Temporal UI, in Markdown. */
export function describeOnboarding(state: OnboardingState): string {
  const method = state.method === null ? '' : ` Method: ${state.method}.`;
  if (isOpen(state)) {
    return `${STATUS[state.status]} until ${readable(state.expiresAt)}.${method}\n\n${LINK[state.linkSms.state]}\n\n${ADVICE}`;
  }
  return `${STATUS[state.status]}${state.reason === null ? '' : ` (${state.reason}).`}${method}`;
}

/** What an operator reads on the timer: until the reminder where that comes first, else until the deadline. */
export function describeTimer({ expiresAt, remainingMs, remindInMs }: OnboardingState): string {
  if (remindInMs === null || remindInMs >= remainingMs) return `The onboarding expires at ${readable(expiresAt)}`;
  const remindAt = new Date(new Date(expiresAt).getTime() - remainingMs + remindInMs).toISOString();
  return `The person is reminded at ${readable(remindAt)}`;
}
