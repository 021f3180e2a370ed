import { DomainError } from '../domain/errors';

interface Place {
  createdAtMs: number;
  id: string;
}

// Thirteen digits reach to the year 2286; more of them are times that the database does not know.
const CURSOR = /^(\d{1,13})\.([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

/** The text by which a caller asks for what comes after this one. */
const toCursor = ({ createdAtMs, id }: Place): string => Buffer.from(`${createdAtMs}.${id}`).toString('base64url');

/** Reads a cursor back. @throws invalid_request for one that we did not make. */
export function fromCursor(cursor: string | undefined): { after: Place } | undefined {
  if (cursor === undefined) return undefined;
  const [, at, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (!at || !id) throw new DomainError('invalid_request', { field: 'cursor', reason: 'is not a cursor of ours' });
  return { after: { createdAtMs: Number(at), id } };
}

/** Cuts a list that was read with one entry more than the page holds. */
export function toPage<T extends Place>(
  found: readonly T[],
  limit: number,
): { entries: T[]; nextCursor: string | null } {
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  return { entries, nextCursor: last && found.length > limit ? toCursor(last) : null };
}
