import { createHash } from 'node:crypto';

/** base64url of the SHA-256 of a text's UTF-8 bytes. */
export const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
