/** The ways in which a user can be asked for a second factor. */
export const METHODS = ['push', 'sms', 'voice', 'totp'] as const;
export type Method = (typeof METHODS)[number];
