/** How digits follow from a secret and the time (RFC 6238). */
export interface TotpParameters {
  algorithm: 'SHA1' | 'SHA256';
  digits: number;
  /** In seconds. */
  period: number;
}

/** What authenticator apps expect: most ignore what a URI says else (RFC 6238 with the defaults of its section 4). */
export const TOTP_PARAMETERS = { algorithm: 'SHA1', digits: 6, period: 30 } as const satisfies TotpParameters;

/** 160 bits, as RFC 4226 section 4 recommends. */
export const TOTP_SECRET_BYTES = 20;

/** What our own devices show: as many digits, and as often new, as people know from the Authy app. */
export const DEVICE_TOTP_PARAMETERS = { algorithm: 'SHA256', digits: 7, period: 20 } as const satisfies TotpParameters;

/** As long as its hash, as RFC 6238 section 3 wants it. */
export const DEVICE_TOTP_SECRET_BYTES = 32;

/** The steps whose codes are accepted at a time: a phone's clock may be one step early or late. */
export function stepsAt(nowMs: number, { period }: Pick<TotpParameters, 'period'>): number[] {
  const step = Math.floor(nowMs / (period * 1_000));
  return [step - 1, step, step + 1];
}
