/** What authenticator apps expect: most ignore what a URI says else (RFC 6238 with the defaults of its section 4). */
export const TOTP_PARAMETERS = { algorithm: 'SHA1', digits: 6, period: 30 } as const;

/** 160 bits, as RFC 4226 section 4 recommends. */
export const TOTP_SECRET_BYTES = 20;

/** The steps whose codes are accepted at a time: a phone's clock may be one step early or late. */
export function stepsAt(nowMs: number): number[] {
  const step = Math.floor(nowMs / (TOTP_PARAMETERS.period * 1_000));
  return [step - 1, step, step + 1];
}
