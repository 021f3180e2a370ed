import { DomainError } from './errors';
import type { Method } from './method';

/** What an open onboarding waits for. */
const WAITS = ['waiting_for_method', 'waiting_for_device', 'waiting_for_confirmation', 'waiting_for_code'] as const;

/** How an onboarding ends. */
export const ENDS = ['enabled', 'expired', 'cancelled'] as const;
export type OnboardingEnd = (typeof ENDS)[number];

export const ONBOARDING_STATUSES = [...WAITS, ...ENDS] as const;
export type OnboardingStatus = (typeof ONBOARDING_STATUSES)[number];

/**
 * Why it was cancelled: the back end or an operator asked for it, a newer one took its place, the person denied the
 * confirmation, somebody cancelled that approval, or the user was removed.
 */
export const CANCEL_REASONS = ['requested', 'replaced', 'denied', 'confirmation_cancelled', 'user_removed'] as const;
export type CancelReason = (typeof CANCEL_REASONS)[number];

/** How the text message with the install link fares; `none` where there is none to send. */
export const LINK_STATES = ['none', 'waiting', 'sent', 'failed'] as const;
export type LinkState = (typeof LINK_STATES)[number];

export const ONBOARDING_SECONDS = { least: 10, usual: 86_400, most: 86_400 } as const;
export const REMINDER_SECONDS = { least: 1, usual: 3_600, most: 86_400 } as const;

/** How often one onboarding may send its install link. */
export const MOST_LINKS = 5;

/** What the rules look at. */
export interface OpenOnboarding {
  status: OnboardingStatus;
  method: Method | null;
  expiresAtMs: number;
}

/** True while it waits for something. */
export const isOpen = ({ status }: Pick<OpenOnboarding, 'status'>): boolean => status.startsWith('waiting_');

/** True for an onboarding that did not come to its end in time, whether or not that is written down yet. */
export const isOverdue = (onboarding: Pick<OpenOnboarding, 'status' | 'expiresAtMs'>, nowMs: number): boolean =>
  isOpen(onboarding) && nowMs >= onboarding.expiresAtMs;

/** @throws onboarding_expired, onboarding_closed */
export function requireOpenOnboarding(onboarding: OpenOnboarding, nowMs: number): void {
  if (onboarding.status === 'expired' || isOverdue(onboarding, nowMs)) throw new DomainError('onboarding_expired');
  if (!isOpen(onboarding)) throw new DomainError('onboarding_closed', { reason: `it is ${onboarding.status}` });
}

/** @throws onboarding_expired, onboarding_closed, wrong_step */
export function requireStep(onboarding: OpenOnboarding, step: OnboardingStatus, nowMs: number): void {
  requireOpenOnboarding(onboarding, nowMs);
  if (onboarding.status !== step) {
    throw new DomainError('wrong_step', { reason: `it is ${onboarding.status}, not ${step}` });
  }
}

/**
 * What it waits for once a method is chosen. The same method again repeats its first step; while a person is asked to
 * confirm, another one cannot be chosen.
 * @throws onboarding_expired, onboarding_closed, wrong_step
 */
export function chooseMethod(
  onboarding: OpenOnboarding,
  method: Method,
  { hasDevice, nowMs }: { hasDevice: boolean; nowMs: number },
): OnboardingStatus {
  requireOpenOnboarding(onboarding, nowMs);
  if (onboarding.status === 'waiting_for_confirmation') {
    throw new DomainError('wrong_step', { reason: 'the person is asked to confirm already' });
  }
  if (method !== 'push') return 'waiting_for_code';
  return hasDevice ? 'waiting_for_confirmation' : 'waiting_for_device';
}
