import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SHAPE = /^ck_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;

/** A new API key: a prefix that scanners find, 190 random bits, and a checksum. Shown once, stored as HMAC. */
export function mintApiKey(): string {
  const secret = Array.from({ length: 32 }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
  return `ck_${secret}${checksum(secret)}`;
}

/** True where the checksum is right: a mistyped key is refused without asking the database. Proves nothing else. */
export function looksLikeApiKey(text: string): boolean {
  const [, secret, given] = SHAPE.exec(text) ?? [];
  return secret !== undefined && given === checksum(secret);
}

function checksum(secret: string): string {
  let rest = crc32(secret);
  let digits = '';
  for (let i = 0; i < 6; i++) {
    digits = ALPHABET.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
