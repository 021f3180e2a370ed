/** Everything that is recorded as having happened; the names are part of the public API. */
export const EVENT_TYPES = [
  'user_created',
  'user_updated',
  'user_removed',
  'activity_reported',
  'registration_token_created',
  'device_registered',
  'account_registered',
  'device_removed',
  'approval_created',
  'approval_answered',
  'approver_withdrawn',
  'approval_approved',
  'approval_denied',
  'approval_expired',
  'approval_cancelled',
  'approval_resent',
  'login_reported',
  'onboarding_started',
  'method_chosen',
  'install_link_sent',
  'install_link_failed',
  'onboarding_reminded',
  'device_registration_complete',
  'two_factor_enabled',
  'onboarding_expired',
  'onboarding_cancelled',
  'code_sent',
  'code_failed',
  'code_accepted',
  'code_wrong',
  'code_blocked',
  'totp_created',
  'totp_confirmed',
  'method_enabled',
  'method_removed',
  'phone_verification_started',
  'phone_verification_resent',
  'phone_verification_refused',
  'phone_verification_sent',
  'phone_verification_failed',
  'phone_verification_accepted',
  'phone_verification_code_wrong',
  'phone_verification_blocked',
  'phone_verification_expired',
  'phone_verification_not_found',
  'custom_message_refused',
  'push_failed',
  'callback_failed',
  'webhook_pinged',
  'webhook_disabled',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** A recorded fact about to be written. `data` never holds personal data: events outlive people's wishes. */
export interface NewEvent {
  type: EventType;
  userId?: string;
  deviceId?: string;
  approvalId?: string;
  onboardingId?: string;
  data?: Readonly<Record<string, string | number | boolean | null>>;
}
