import { DatabaseError } from 'pg';
import { DomainError } from '../domain/errors';
import type { ErrorCode } from '../domain/errors';

/** The rules that constraints keep, and the refusals that their violations become. Nowhere else are these names known. */
const REFUSAL_OF: Readonly<Record<string, ErrorCode>> = {
  devices_public_key_once: 'public_key_in_use',
  device_proofs_once: 'proof_reused',
};

/** The refusal that a violated constraint stands for, or the error as it came. */
export function asRefusal(error: unknown): unknown {
  const code = violated(error) && REFUSAL_OF[violated(error)!];
  return code ? new DomainError(code) : error;
}

/** The name of the constraint that an error is about. */
export function violated(error: unknown): string | undefined {
  return error instanceof DatabaseError && error.code?.startsWith('23') ? error.constraint : undefined;
}

// Connection exceptions (08), operator intervention (57), too many connections (53), the serialisation class (40),
// and the socket's own errors: the same request may succeed in a moment.
const AWAY_SQLSTATE = /^(08|57|53|40)/;
const AWAY_SYSTEM = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);
const AWAY_MESSAGE =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection|Query read timeout/;

/** True when the database is away or busy, as opposed to a mistake of ours. */
export function isDatabaseAway(error: unknown): boolean {
  // By what they have, not by their class: the errors of Node's own modules need not be of this realm.
  const { errors, code, message } = (error ?? {}) as { errors?: unknown; code?: unknown; message?: unknown };
  if (Array.isArray(errors)) return errors.some(isDatabaseAway);
  if (error instanceof DatabaseError) return AWAY_SQLSTATE.test(error.code ?? '');
  return AWAY_SYSTEM.has(String(code)) || AWAY_MESSAGE.test(String(message));
}

/** True when the database has not answered a statement in time; it may still be working on it. */
export const isSilence = (error: unknown): boolean => (error as Error | undefined)?.message === 'Query read timeout';
