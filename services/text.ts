import { sha256, toBase64url } from '../platform/keys/secret';

/** base64url of the SHA-256 of bytes, or of a text's UTF-8. */
export const digest = (content: string | Buffer): string => toBase64url(sha256(content));

const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** True for an id as we spell it, in small letters: anything else is not asked for in the database. */
export const isId = (text: unknown): text is string => typeof text === 'string' && ID.test(text);
