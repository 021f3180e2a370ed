import type { CallbackState, PushState } from '../domain/approval';
import { readable } from '../domain/instant';
import type { ApprovalState } from './approval.messages';

const PUSH: Record<PushState, string> = {
  none: 'No push: the back end tells the phone itself, or no phone takes pushes.',
  waiting: 'The push has not reached every phone yet; it is tried again (Pending Activities).',
  sent: 'The push was sent.',
  failed: 'The push did not reach every phone. The approval can be answered all the same.',
  muted: 'No push: this person reported a login as not theirs a short while ago.',
};

const CALLBACK: Record<CallbackState, string> = {
  none: 'No callback was asked for.',
  waiting: 'The back end has not taken the callback yet; it is tried again (Pending Activities).',
  delivered: 'The back end has taken the callback.',
  failed: 'The back end did not take the callback in time; it is kept, under the same id.',
};

const ADVICE =
  'Only a device can answer. *Request Cancellation* withdraws the approval. *Terminate* only ends this workflow: ' +
  'the approval stays open, and its workflow is started again when something is due.';

/** What an operator reads on top of the workflow's page in the Temporal UI, in Markdown. */
export const describeApproval = (state: ApprovalState): string =>
  state.status === 'pending'
    ? `**Waiting for ${describeWanted(state)}** until ${readable(state.expiresAt)}.${describeVotes(state)}\n\n` +
      `${PUSH[state.push.state]}\n\n${ADVICE}`
    : `The approval is **${state.status}**.${describeVotes(state)}\n\n${CALLBACK[state.callback.state]}`;

const describeWanted = ({ progress }: ApprovalState): string =>
  progress && progress.asked > 1 ? `${progress.missing} more of ${progress.required} approvals` : 'an answer';

/** In numbers only: who they are is not for operators. */
function describeVotes({ progress }: ApprovalState): string {
  if (!progress || progress.asked < 2) return '';
  const { approved, denied, people, asked } = progress;
  const removed = asked > people ? ` ${asked - people} removed since.` : '';
  return ` Of ${asked} people ${approved} approved and ${denied} denied.${removed}`;
}

/** What an operator reads on the timer. */
export const describeWait = ({ expiresAt }: ApprovalState): string => `Wait for an answer until ${readable(expiresAt)}`;
