import { LIFETIME_SECONDS } from './approval';
import type { ApprovalOutcome, ApprovalStatus, CallbackState } from './approval';

/** How a tenant wants its Authy callbacks: parameters in the query, or as JSON. */
export const CALLBACK_METHODS = ['GET', 'POST'] as const;
export type CallbackMethod = (typeof CALLBACK_METHODS)[number];

export const LOGO_SIZES = ['default', 'low', 'med', 'high'] as const;

export interface Logo {
  res: (typeof LOGO_SIZES)[number];
  /** Given back to the back end; never loaded by us. */
  url: string;
}

/** How an approval was asked for in the Authy dialect, where it was: its callback gives that back. */
export interface OneTouch {
  /** As the client sent them: what is shown is a list of texts. */
  details: object | null;
  logos: readonly Logo[] | null;
  callbackMethod: CallbackMethod;
  /** Whether an approval that nobody answered is told too. */
  tellsExpiry: boolean;
}

/** An equal question within this time is the same one: its client did not wait for the reply. */
export const REPEAT_WINDOW_MS = 5_000;

/**
 * How many questions one user may have that are open, or came within the last hour and were not approved: a client that
 * asks again and again wears people down, also with questions that end at once.
 */
export const UNAPPROVED = { least: 1, usual: 20, most: 10_000, withinSeconds: 3_600 } as const;

const USUAL_LIFETIME_SECONDS = 86_400;

/** How long an approval lives for which a client of the Authy API asks so many seconds; 0 is what never expired there. */
export const lifetimeOf = (seconds: number | undefined = USUAL_LIFETIME_SECONDS): number =>
  seconds === 0 ? LIFETIME_SECONDS.most : Math.min(seconds, LIFETIME_SECONDS.most);

/** The Authy API knows no cancellation: what nobody will answer any more has expired there. */
export const toOneTouchStatus = (status: ApprovalStatus): Exclude<ApprovalStatus, 'cancelled'> =>
  status === 'cancelled' ? 'expired' : status;

/** What becomes of the callback when an approval ends. Clients of the Authy API refuse callbacks without an answer. */
export function callbackAfter(
  { callbackUrl, oneTouch }: { callbackUrl: string | null; oneTouch: Pick<OneTouch, 'tellsExpiry'> | null },
  outcome: ApprovalOutcome,
): Extract<CallbackState, 'none' | 'waiting'> {
  if (callbackUrl === null) return 'none';
  const isAnswered = outcome === 'approved' || outcome === 'denied';
  return oneTouch === null || oneTouch.tellsExpiry || isAnswered ? 'waiting' : 'none';
}
