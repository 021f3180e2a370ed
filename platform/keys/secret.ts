import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A secret that nobody guesses: `bytes` random bytes in base64url behind a prefix that says what it is. */
export function randomToken(prefix: string, bytes = 32): string {
  return prefix + toBase64url(randomBytes(bytes));
}

/** SHA-256 of the bytes, or of the text in UTF-8. */
export function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

/** Compares two secrets in a time that depends on neither of them, nor on whether their lengths agree. */
export function constantTimeEqual(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

/** base64url without padding, as in JWS. */
export function toBase64url(data: string | Uint8Array): string {
  return Buffer.from(data as Uint8Array).toString('base64url');
}

/** The bytes of a base64url text, or undefined where it is not the one spelling of any bytes. */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  // Node skips what it does not know; two spellings of one value would slip past a check for repeats.
  return bytes.toString('base64url') === text ? bytes : undefined;
}
