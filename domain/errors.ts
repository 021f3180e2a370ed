/**
 * The closed list of refusals. A code is part of the public API: it is never renamed, and a new one does not compile
 * until it has a status and a sentence here.
 */
const REFUSALS = {
  // the request itself
  invalid_json: [400, 'The body is not valid JSON.'],
  duplicate_key: [400, 'The body names the same key twice.'],
  invalid_request: [400, 'A field of the request is missing, unknown or wrong.'],
  unsupported_media_type: [415, 'Send the body as application/json.'],
  body_too_large: [413, 'The body is larger than 64 KiB.'],
  route_not_found: [404, 'There is no such route.'],
  method_not_allowed: [405, 'This route exists, but not with this method.'],
  host_not_allowed: [421, 'This server does not answer to that host name.'],
  origin_not_allowed: [403, 'Pages of that origin may not call this server.'],
  too_many_requests: [429, 'Too many requests; wait and try again.'],
  // who is calling
  unauthorized: [401, 'The API key is missing or not valid.'],
  scope_missing: [403, 'This API key may not do that.'],
  device_unauthorized: [401, 'The proof of the device is missing or not valid.'],
  nonce_required: [401, 'Repeat the call with the nonce of the header DPoP-Nonce.'],
  proof_reused: [401, 'This proof was used before; sign a new one.'],
  // repeats
  idempotency_key_reused: [422, 'This Idempotency-Key was used with another body.'],
  // users and devices
  user_not_found: [404, 'There is no such user.'],
  phone_in_use: [409, 'Another user has this phone number.'],
  phone_differs: [409, 'The user with this externalId has another phone number.'],
  phone_invalid: [400, 'This is not a phone number in international form.'],
  device_not_found: [404, 'There is no such device.'],
  registration_token_invalid: [401, 'The registration token is unknown, expired or already used.'],
  account_token_invalid: [401, 'The account token is not signed by the tenant that it names.'],
  account_token_expired: [401, 'The account token has expired; show a new one.'],
  public_key_invalid: [400, 'The key is not a public EC key on P-256.'],
  public_key_in_use: [409, 'This key already belongs to another device.'],
  // approvals
  approval_not_found: [404, 'There is no such approval.'],
  too_few_approvers: [400, 'Fewer people are asked than have to approve; the requester does not count.'],
  no_device: [409, 'Too few of those who are asked have a device; register one with a registration token.'],
  too_many_open_approvals: [429, 'This user already has five open login approvals.'],
  callback_url_refused: [400, 'This callback URL is not allowed.'],
  signature_invalid: [401, 'The answer is not signed by the device that it names.'],
  answer_mismatch: [400, 'The signed answer does not belong to this approval.'],
  answer_stale: [400, 'The signed answer is from another time; sign a new one.'],
  device_removed: [403, 'This device was removed.'],
  already_answered: [409, 'This person has already answered otherwise.'],
  approval_already_decided: [409, 'The approval is already decided.'],
  approval_expired: [410, 'The approval has expired.'],
  approval_cancelled: [409, 'The approval was cancelled.'],
  // onboarding
  onboarding_not_found: [404, 'There is no such onboarding.'],
  onboarding_closed: [409, 'The onboarding has ended; start another one.'],
  onboarding_expired: [410, 'The onboarding has expired; start another one.'],
  wrong_step: [409, 'The onboarding waits for something else.'],
  install_link_invalid: [401, 'The install link is unknown, expired or already used.'],
  // codes and methods
  no_phone: [409, 'This user has no phone number.'],
  no_email: [409, 'This user has no e-mail address.'],
  channel_not_configured: [409, 'This installation has no provider for that channel.'],
  code_not_found: [404, 'There is no open code; send one first.'],
  code_expired: [410, 'The code has expired; send another one.'],
  // Not 401 or 403: whoever calls may ask, and only what a person typed is wrong.
  code_wrong: [422, 'The code is wrong.'],
  code_used: [422, 'This code was accepted before.'],
  too_many_attempts: [429, 'Too many wrong codes; wait, or send another code.'],
  totp_not_found: [404, 'This user has no TOTP secret; create one first.'],
  method_enabled: [409, 'This method is enabled already; remove it first.'],
  method_not_enabled: [404, 'This user does not have that method.'],
  // verifications of phones
  phone_is_landline: [400, 'Text messages do not reach this phone number; call it.'],
  verification_not_found: [404, 'No verification of this phone is pending.'],
  custom_message_refused: [403, 'This tenant may not choose codes or messages of its own.'],
  message_not_found: [404, 'There is no such message.'],
  // webhooks
  webhook_not_found: [404, 'There is no such webhook.'],
  delivery_not_found: [404, 'There is no such delivery.'],
  too_many_webhooks: [409, 'A tenant may have twenty webhooks.'],
  webhook_disabled: [409, 'The webhook is disabled; enable it first.'],
  // reports
  report_too_broad: [400, 'Too many events would have to be read for this; ask for a shorter time.'],
  // us
  temporarily_unavailable: [503, 'A part of the service is away; try again shortly.'],
  internal_error: [500, 'Something went wrong on our side.'],
} as const satisfies Record<string, readonly [status: number, sentence: string]>;

export type ErrorCode = keyof typeof REFUSALS;

/** The HTTP status of a refusal. */
export const httpStatus = (code: ErrorCode): number => REFUSALS[code][0];

/** The sentence of a refusal, for people; programs look at the code. */
export const sentence = (code: ErrorCode): string => REFUSALS[code][1];

/** What else a refusal may tell: the field at fault and why, when to come back, and how many guesses are left. */
export interface RefusalDetail {
  field?: string;
  reason?: string;
  retryAfterSeconds?: number;
  attemptsLeft?: number;
}

/** A refusal on its way to becoming HTTP. Everything that is not a DomainError is an accident. */
export class DomainError extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly detail: RefusalDetail = {},
  ) {
    super(sentence(code));
    this.name = 'DomainError';
  }
}
