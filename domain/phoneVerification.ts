import type { PhoneChannel } from './code';
import type { LineType } from './phoneLine';

/** What a verification has come to; only a pending one changes. */
export const VERIFICATION_STATUSES = ['pending', 'verified', 'expired'] as const;
export type VerificationStatus = (typeof VERIFICATION_STATUSES)[number];

/** Whether the person told the tenant that the message came. */
export const FEEDBACKS = ['received', 'not-received'] as const;
export type Feedback = (typeof FEEDBACKS)[number];

/** Fixed: a further message within this time brings the same code, and does not lengthen it. */
export const VERIFICATION_LIFETIME_MS = 10 * 60_000;

/** As the Authy API has it. */
export const VERIFICATION_CODE_LENGTH = { least: 4, usual: 4, most: 10 } as const;

/** What the rules look at. */
export interface TimedVerification {
  status: VerificationStatus;
  expiresAtMs: number;
  /** The database's clock when this was read, in ms. */
  readAtMs: number;
}

/** True for one whose time is over, whether or not that is written down yet. */
export const isVerificationOverdue = ({ status, expiresAtMs, readAtMs }: TimedVerification): boolean =>
  status === 'pending' && readAtMs >= expiresAtMs;

/** How long its code is, or would have been, good; whole seconds, 0 where it is over. */
export const secondsLeft = ({ expiresAtMs, readAtMs }: TimedVerification): number =>
  Math.max(0, Math.floor((expiresAtMs - readAtMs) / 1_000));

/** What events about a verification tell in `data`. The number is a digest that only we can make: 64 hex digits. */
export interface PhoneVerificationData {
  verificationId: string;
  channel: PhoneChannel;
  status: VerificationStatus;
  codeLength: number;
  secondsToExpire: number;
  /** Calling code, without +. */
  countryCode: string;
  phoneDigest: string;
  lineType: LineType;
  locale: string;
}
