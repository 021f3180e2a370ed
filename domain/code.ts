/** How digits reach a person's phone. */
const PHONE_CHANNELS = ['sms', 'voice'] as const;
export type PhoneChannel = (typeof PHONE_CHANNELS)[number];

/** How digits reach a person. */
export const CODE_CHANNELS = [...PHONE_CHANNELS, 'email'] as const;
export type CodeChannel = (typeof CODE_CHANNELS)[number];

/** In words, for operators. */
export const CHANNEL_WORDS: Readonly<Record<CodeChannel, string>> = {
  sms: 'text message',
  voice: 'call',
  email: 'e-mail',
};

/** What a code is for; each has a newest code of its own. */
export const CODE_PURPOSES = ['login', 'onboarding'] as const;
export type CodePurpose = (typeof CODE_PURPOSES)[number];

/** How the message with a code fares. */
export const CODE_DELIVERY_STATES = ['waiting', 'sent', 'failed'] as const;
export type CodeDeliveryState = (typeof CODE_DELIVERY_STATES)[number];

export const CODE_LENGTH = { least: 4, usual: 6, most: 10 } as const;
export const CODE_LIFETIME_MS = 10 * 60_000;

/** Guesses at one code. */
export const MOST_ATTEMPTS = 5;
/** Guesses of one user in an hour: at all codes, and at TOTP. */
export const MOST_ATTEMPTS_AN_HOUR = 10;

/** Guesses of one user in a minute, right ones too, where nobody says which kind of code it is. */
export const MOST_ATTEMPTS_A_MINUTE = 5;

/**
 * The digits of a code: the first 64 bits of a MAC, modulo 10^length (RFC 4226 section 5.3 takes 31 bits). With 64 bits
 * the likeliest of 10^10 codes is likelier than the least likely one by less than one part in 10^9.
 */
export function toDigits(mac: Uint8Array, length: number): string {
  const number = new DataView(mac.buffer, mac.byteOffset, mac.byteLength).getBigUint64(0);
  return (number % 10n ** BigInt(length)).toString().padStart(length, '0');
}

/** True from its last moment on, whatever its state says. */
export const isCodeExpired = ({ expiresAtMs, readAtMs }: { expiresAtMs: number; readAtMs: number }): boolean =>
  readAtMs >= expiresAtMs;
