/** The public half of a device's P-256 key (RFC 7517). */
export interface PublicJwk {
  kty: 'EC';
  crv: 'P-256';
  x: string;
  y: string;
}

export const REGISTRATION_TYPE = 'countersign-registration+jwt';
export const PROOF_TYPE = 'dpop+jwt';
export const REGISTRATION_TOKEN_LIFETIME_MS = 10 * 60_000;
