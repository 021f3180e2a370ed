import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { Method } from '../domain/method';
import type { LinkState, OnboardingStatus } from '../domain/onboarding';

export const ONBOARDING_WORKFLOW = 'onboarding';

export interface OnboardingInput {
  tenantId: string;
  onboardingId: string;
}

/** What the workflow knows: the row as it last read it. The names are those of the API where it has them. */
export interface OnboardingState {
  id: string;
  status: OnboardingStatus;
  reason: string | null;
  method: Method | null;
  /** Empty until the row was read for the first time. */
  expiresAt: string;
  /** Until the deadline, by the database's clock. */
  remainingMs: number;
  /** Until the reminder; null where none is to come. */
  remindInMs: number | null;
  linkSms: LinkRound;
  /** The approval by which the person confirms, once there is one. */
  approvalId: string | null;
}

/** How the text message with the install link fares. */
export interface LinkRound {
  state: LinkState;
  /** Raised by each text message. */
  round: number;
}

// Each says what happened; the workflow then reads its row, so that one typed by hand changes nothing. Only a no may come
// out of Temporal: `cancel`.
export const deviceRegistrationComplete = defineSignal('device_registration_complete');
export const methodChosen = defineSignal('method_chosen');
export const codeAccepted = defineSignal('code_accepted');
export const confirmationDecided = defineSignal('confirmation_decided');
export const cancel = defineSignal('cancel');
export const look = defineSignal('look');
export const onboardingState = defineQuery<OnboardingState>('state');

/** The id of the one workflow of an onboarding. */
export const onboardingWorkflowId = ({ tenantId, onboardingId }: OnboardingInput) =>
  `onboarding/${tenantId}/${onboardingId}`;
