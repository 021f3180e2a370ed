import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose';
import type { PublicJwk } from '../domain/device';
import { DomainError } from '../domain/errors';
import type { ErrorCode } from '../domain/errors';

/** What a JWS says of itself, before anything of it is believed. */
export function readUnverified(jws: string, refusal: ErrorCode): { kid: string; claims: Record<string, unknown> } {
  try {
    return { kid: String(decodeProtectedHeader(jws).kid ?? ''), claims: decodeJwt(jws) };
  } catch {
    throw new DomainError(refusal);
  }
}

/**
 * The payload of a compact JWS (RFC 7515) that was signed with ES256 by this key, of this type.
 * @throws DomainError(refusal) for everything else.
 */
export async function verifyJws(
  jws: string,
  publicJwk: PublicJwk,
  typ: string,
  refusal: ErrorCode,
): Promise<Record<string, unknown>> {
  try {
    const key = await importJWK({ ...publicJwk }, 'ES256');
    const { payload, protectedHeader } = await compactVerify(jws, key, { algorithms: ['ES256'] });
    if (protectedHeader.typ !== typ) throw new Error('another type');
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as Record<string, unknown>;
  } catch {
    throw new DomainError(refusal);
  }
}
