export const SEND_FAILURES = [
  'url_refused',
  'address_refused',
  'name_not_found',
  'connection_refused',
  'connection_lost',
  'unreachable',
  'tls_failed',
  'timeout',
  'aborted',
  'protocol_error',
] as const;
export type SendFailure = (typeof SEND_FAILURES)[number];

/**
 * A request that got no reply. It says why in one word that may be logged, stored and shown; the library's own error,
 * which can hold a URL or bytes of a reply, is left behind.
 */
export class SendError extends Error {
  constructor(readonly reason: SendFailure) {
    super(`No reply: ${reason}`);
    this.name = 'SendError';
  }
}

const REASONS: Readonly<Record<string, SendFailure>> = {
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_not_found',
  ENODATA: 'name_not_found',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_lost',
  EPIPE: 'connection_lost',
  ECONNABORTED: 'connection_lost',
  UND_ERR_SOCKET: 'connection_lost',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'connection_lost',
  ENETUNREACH: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_ABORTED: 'aborted',
  UND_ERR_DESTROYED: 'aborted',
  UND_ERR_CLOSED: 'aborted',
  EPROTO: 'tls_failed',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_failed',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_failed',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_failed',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_failed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_failed',
};

/** Turns whatever a socket, TLS or the HTTP library throws into a SendError. */
export function toSendError(error: unknown): SendError {
  if (error instanceof SendError) return error;
  // Not `instanceof Error`: the errors of Node's own modules need not be of this realm.
  const given = (error as { code?: unknown } | null | undefined)?.code;
  const code = typeof given === 'string' ? given : '';
  return new SendError(REASONS[code] ?? (/^(ERR_TLS|ERR_SSL|CERT)_/.test(code) ? 'tls_failed' : 'protocol_error'));
}
