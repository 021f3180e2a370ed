import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SHAPE = /^ck_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;

/** A new API key: a prefix that scanners find, 190 random bits, and a checksum. Shown once, stored as HMAC. */
export function mintApiKey(): string {
  const secret = randomLetters(32);
  return `ck_${secret}${checksum(secret)}`;
}

/** A new Authy API key, of the form that clients of the Authy API know: 32 letters and digits. */
export const mintAuthyApiKey = (): string => randomLetters(32);

const randomLetters = (count: number): string =>
  Array.from({ length: count }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');

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
