import { createHash } from 'node:crypto';

/** base64url of the SHA-256 of bytes, or of a text's UTF-8. */
export const digest = (content: string | Buffer): string => createHash('sha256').update(content).digest('base64url');
