import type { CallbackState, PushState } from '../domain/approval';
import type { ApprovalState } from './approval.messages';

const PUSH: Record<PushState, string> = {
  none: 'Nobody is pushed to.',
  waiting: 'The push has not reached every phone yet and is tried again.',
  sent: 'The phones have been pushed to.',
  failed: 'The push did not reach every phone; the approval can still be answered.',
  muted: 'Nobody is pushed to, because the person reported a login as not theirs a short while ago.',
};

const CALLBACK: Record<CallbackState, string> = {
  none: 'No callback was asked for.',
  waiting: 'The back end is being told.',
  delivered: 'The back end has been told.',
  failed: 'The back end did not take the callback in time; it is kept, under the same id.',
};

/** What an operator reads on top of the workflow's page in the Temporal UI, in Markdown. */
export const describeApproval = ({ status, expiresAt, push, callback }: ApprovalState): string =>
  status === 'pending'
    ? `**Waiting for an answer** until ${toSecond(expiresAt)}.\n\n${PUSH[push.state]}`
    : `The approval is **${status}**.\n\n${CALLBACK[callback.state]}`;

/** What an operator reads on the timer. */
export const describeWait = ({ expiresAt }: ApprovalState): string => `Wait for an answer until ${toSecond(expiresAt)}`;

/** 2026-05-04T10:11:12.345Z as people read it. */
const toSecond = (instant: string): string => instant.replace('T', ' ').replace(/\.\d+Z$|Z$/, ' UTC');
