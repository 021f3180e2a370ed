/** What is documented of replies, and clients look for. Written down once more: a change in the product has to be seen. */

/** The messages that clients compare, or show. Of the last one, what stands before the time. */
export const MESSAGES = {
  created: 'User created successfully.',
  status: 'User status.',
  removed: 'User removed from application',
  activity: 'Activity was created.',
  token: 'Token is valid.',
  application: 'Application information.',
  statistics: 'Monthly statistics.',
  phoneVerified: 'Verification code is correct.',
  phoneInformation: 'Phone number information as of ',
} as const;

export interface Refusal {
  status: number;
  number: number;
  message?: string;
  fields?: Record<string, string>;
}

export const REFUSALS = {
  wrongKey: { status: 401, number: 60001, message: 'Invalid API key' },
  tooMany: { status: 429, number: 60003 },
  badParameter: { status: 400, number: 60004 },
  usedToken: { status: 401, number: 60019, message: 'Token is invalid. Token was used recently.' },
  wrongToken: { status: 401, number: 60020, message: 'Token is invalid' },
  wrongPhoneCode: { status: 401, number: 60022, message: 'Verification code is incorrect' },
  nothingPending: { status: 404, number: 60023 },
  unknownUser: { status: 404, number: 60026, message: 'User not found.' },
  invalidUser: { status: 400, number: 60027, message: 'User was not valid' },
  missingUser: { status: 400, number: 60030 },
  invalidPhone: { status: 400, number: 60033, message: 'Phone number is invalid' },
  noPhoneNamed: { status: 400, number: 60042 },
  unknownRequest: { status: 404, number: 60049 },
  noDevice: { status: 404, number: 60051 },
  noPhone: { status: 404, number: 60058 },
  landline: { status: 403, number: 60082 },
  customMessage: { status: 403, number: 60091 },
} as const satisfies Record<string, Refusal>;

/** An id that no user has. */
export const NOBODY = 2_147_483_646;

export const IGNORED = {
  sms: 'Ignored: SMS is not needed for smartphones. Pass force=true if you want to actually send it anyway.',
  call:
    'Call ignored. User is using  App Tokens and this call is not necessary. ' +
    'Pass force=true if you still want to call users that are using the App.',
} as const;
