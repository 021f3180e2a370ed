import { DomainError, httpStatus } from '../../domain/errors';
import type { ErrorCode } from '../../domain/errors';
import { retryAfterOf, toRefusal } from '../problem';
import { NUMBERS } from './numbers';
import type { AuthyNumber } from './numbers';

export interface RefusalOptions {
  /** In the place of the sentence that the number has. */
  message?: string;
  /** What is wrong with which field: `{ cellphone: 'is invalid' }`. */
  fields?: Readonly<Record<string, string>>;
  /** Members of the body beside the message that are no fields. */
  beside?: object;
  status?: number;
  retryAfterSeconds?: number | undefined;
}

/** A refusal in the words of the Authy API. What services refuse is a DomainError, and gets its number here. */
export class AuthyRefusal extends Error {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly beside: object;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly number: AuthyNumber,
    { message, fields = {}, beside = {}, status, retryAfterSeconds }: RefusalOptions = {},
  ) {
    super(message ?? NUMBERS[number][1]);
    this.name = 'AuthyRefusal';
    this.status = status ?? NUMBERS[number][0];
    this.fields = fields;
    this.beside = beside;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** 60004, naming the parameter. */
export const invalidParameter = (name: string, reason: string): AuthyRefusal =>
  new AuthyRefusal(60004, { message: `Invalid parameter: ${name.slice(0, 100)} - ${reason}` });

/** Where a code of ours has a number of its own. What is not here keeps its status, as 60004 or 60000. */
const NUMBER_OF: Partial<Record<ErrorCode, AuthyNumber>> = {
  invalid_json: 60002,
  duplicate_key: 60002,
  unsupported_media_type: 60002,
  body_too_large: 60002,
  host_not_allowed: 60002,
  origin_not_allowed: 60002,
  unauthorized: 60001,
  too_many_requests: 60003,
  too_many_attempts: 60003,
  too_many_open_approvals: 60003,
  user_not_found: 60026,
  phone_invalid: 60027,
  device_not_found: 60051,
  registration_token_invalid: 60035,
  approval_not_found: 60049,
  no_device: 60051,
  too_few_approvers: 60080,
  approval_already_decided: 60079,
  approval_cancelled: 60079,
  approval_expired: 60079,
  callback_url_refused: 60066,
  no_phone: 60058,
  no_email: 60038,
  channel_not_configured: 60015,
  code_wrong: 60020,
  code_used: 60019,
  code_expired: 60020,
  code_not_found: 60020,
  totp_not_found: 60020,
  phone_is_landline: 60082,
  verification_not_found: 60023,
  custom_message_refused: 60091,
  message_not_found: 60032,
  report_too_broad: 60096,
  webhook_not_found: 60100,
  too_many_webhooks: 60098,
};

/** The statuses of ours that hold, whatever status the number has: what is too large, on the wrong host, or away. */
const KEPT: ReadonlySet<ErrorCode> = new Set(['body_too_large', 'host_not_allowed', 'origin_not_allowed']);

/** Anything that was thrown, in the words of the dialect, and as the refusal of ours that it was. */
export function toAuthyRefusal(error: unknown): { authy: AuthyRefusal; ours?: DomainError } {
  if (error instanceof AuthyRefusal) return { authy: error };
  // A path with a broken escape never reaches a route.
  if (error instanceof URIError) return { authy: new AuthyRefusal(60005) };
  const ours = toRefusal(error);
  return { authy: translate(ours), ours };
}

function translate(refusal: DomainError): AuthyRefusal {
  const { code, detail, message } = refusal;
  const retryAfterSeconds = retryAfterOf(refusal);
  const number = NUMBER_OF[code];
  if (number !== undefined) {
    const options = { retryAfterSeconds, ...(KEPT.has(code) && { status: httpStatus(code) }) };
    // Numbers of requests and reports have no sentence that says what is wrong with this one.
    const said = number === 60002 ? `Invalid request: ${message}` : number === 60096 ? message : undefined;
    return new AuthyRefusal(number, said === undefined ? options : { ...options, message: said });
  }
  const status = httpStatus(code);
  if (status === 400) return invalidParameter(detail.field ?? 'request', detail.reason ?? message);
  return new AuthyRefusal(60000, { message, status, retryAfterSeconds });
}

/** For a promise that was refused: the numbers, or refusals, that codes of ours have in one call. */
export const inWordsOf =
  (words: Partial<Record<ErrorCode, AuthyNumber | AuthyRefusal>>) =>
  (error: unknown): never => {
    const said = error instanceof DomainError ? words[error.code] : undefined;
    if (said === undefined) throw error;
    throw typeof said === 'number' ? new AuthyRefusal(said) : said;
  };

/** The body of an error: fields stand inside `errors`, and again beside it, because clients look in either place. */
export function errorBody({ number, message, fields, beside }: AuthyRefusal, more: object = {}): object {
  return {
    ...more,
    ...fields,
    message,
    ...beside,
    success: false,
    errors: { ...fields, message },
    error_code: String(number),
  };
}
