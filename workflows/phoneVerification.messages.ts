import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { PhoneChannel, CodeDeliveryState } from '../domain/code';
import type { VerificationStatus } from '../domain/phoneVerification';

export const PHONE_VERIFICATION_WORKFLOW = 'phoneVerification';

export interface PhoneVerificationInput {
  tenantId: string;
  verificationId: string;
}

/** What the workflow knows: the row as it last read it. It holds no phone number. */
export interface PhoneVerificationState {
  id: string;
  status: VerificationStatus;
  /** Empty until the row was read for the first time. */
  expiresAt: string;
  /** Until the deadline, by the database's clock. */
  remainingMs: number;
  /** Wrong guesses. */
  attempts: number;
  message: VerificationMessage;
}

/** How the newest message with the code fares. */
export interface VerificationMessage {
  channel: PhoneChannel;
  state: CodeDeliveryState;
  /** Raised by each message. */
  round: number;
}

// Each says what happened; the workflow then reads its row, so that one typed by hand changes nothing. Only a no may come
// out of Temporal: its own Cancel.
export const codeChecked = defineSignal('code_checked');
export const resend = defineSignal('resend');
export const look = defineSignal('look');
export const phoneVerificationState = defineQuery<PhoneVerificationState>('state');

/** The id of the one workflow of a verification. */
export const phoneVerificationWorkflowId = ({ tenantId, verificationId }: PhoneVerificationInput) =>
  `phoneVerification/${tenantId}/${verificationId}`;
