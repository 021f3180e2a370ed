import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { MasterKey } from '../config';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * All secrets at rest. Every purpose has keys of its own, so that what was sealed for one is worthless to another; a
 * context (usually an id) ties a sealed value to its row. The first master key seals, all of them open.
 */
export interface Keyring {
  /** The ids of its master keys, the current one first. */
  keyIds: readonly string[];
  /** AES-256-GCM: [version][key id length][key id][nonce][ciphertext][tag]. */
  encrypt(purpose: string, plaintext: Buffer | string, context: string): Buffer;
  /** Throws UnsealError on any change of the bytes, and for another purpose or context. */
  decrypt(purpose: string, sealed: Uint8Array, context: string): Buffer;
  /** The id of the master key that a value was sealed under. */
  keyIdOf(sealed: Uint8Array): string;
  /** HMAC-SHA256 under the current key. Parts are length-prefixed: ('ab', 'c') is not ('a', 'bc'). */
  mac(purpose: string, ...parts: string[]): Buffer;
  /** The same under every key, the current one first. */
  macs(purpose: string, ...parts: string[]): Buffer[];
  /** Whether `expected` is the mac of these parts under any key of the ring, in constant time. */
  macMatches(purpose: string, expected: Uint8Array, ...parts: string[]): boolean;
  /** What to store beside an encrypted value so that it can be found again. */
  blindIndex(purpose: string, value: string): Buffer;
  /** What to look for: the index under every key, the current one first. */
  blindIndexes(purpose: string, value: string): Buffer[];
}

/** The bytes are not what this keyring sealed for this purpose and context. It does not say why. */
export class UnsealError extends Error {
  constructor() {
    super('The sealed value cannot be opened.');
    this.name = 'UnsealError';
  }
}

/** Makes a keyring of the configured master keys; the first is the current one. */
export function createKeyring(masterKeys: readonly MasterKey[]): Keyring {
  const current = masterKeys[0];
  if (current === undefined) throw new Error('A keyring needs a master key.');
  const derivedKeys = new Map<string, Buffer>();

  function derived(master: MasterKey, use: 'seal' | 'mac' | 'index', purpose: string): Buffer {
    const info = `countersign/${use}/${purpose}`;
    const name = `${master.id}/${info}`;
    let key = derivedKeys.get(name);
    if (key === undefined) {
      key = Buffer.from(hkdfSync('sha256', master.key, '', info, 32));
      derivedKeys.set(name, key);
    }
    return key;
  }

  const macUnder = (master: MasterKey, purpose: string, parts: readonly string[]): Buffer =>
    hmac(derived(master, 'mac', purpose), parts);
  const indexUnder = (master: MasterKey, purpose: string, value: string): Buffer =>
    hmac(derived(master, 'index', purpose), [value]);

  return {
    keyIds: masterKeys.map(({ id }) => id),

    encrypt(purpose, plaintext, context) {
      const id = Buffer.from(current.id);
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', derived(current, 'seal', purpose), nonce);
      cipher.setAAD(additionalData(purpose, context));
      const bytes = typeof plaintext === 'string' ? Buffer.from(plaintext) : plaintext;
      const ciphertext = [cipher.update(bytes), cipher.final()];
      return Buffer.concat([Buffer.from([VERSION, id.length]), id, nonce, ...ciphertext, cipher.getAuthTag()]);
    },

    decrypt(purpose, sealed, context) {
      const { keyId, nonce, ciphertext, tag } = open(sealed);
      const master = masterKeys.find((key) => key.id === keyId);
      if (master === undefined) throw new UnsealError();
      const decipher = createDecipheriv('aes-256-gcm', derived(master, 'seal', purpose), nonce, {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(additionalData(purpose, context));
      decipher.setAuthTag(tag);
      try {
        return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
      } catch {
        throw new UnsealError();
      }
    },

    keyIdOf: (sealed) => open(sealed).keyId,
    mac: (purpose, ...parts) => macUnder(current, purpose, parts),
    macs: (purpose, ...parts) => masterKeys.map((master) => macUnder(master, purpose, parts)),

    macMatches(purpose, expected, ...parts) {
      // Every key is tried, so that the time does not tell which one matched.
      const matches = masterKeys.filter((master) => {
        const actual = macUnder(master, purpose, parts);
        return expected.length === actual.length && timingSafeEqual(expected, actual);
      });
      return matches.length > 0;
    },

    blindIndex: (purpose, value) => indexUnder(current, purpose, value),
    blindIndexes: (purpose, value) => masterKeys.map((master) => indexUnder(master, purpose, value)),
  };
}

function additionalData(purpose: string, context: string): Buffer {
  return Buffer.from(`${purpose}\0${context}`);
}

function hmac(key: Buffer, parts: readonly string[]): Buffer {
  const hash = createHmac('sha256', key);
  for (const part of parts) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest();
}

function open(sealed: Uint8Array): { keyId: string; nonce: Buffer; ciphertext: Buffer; tag: Buffer } {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const nonceAt = 2 + (bytes[1] ?? 0);
  const bodyAt = nonceAt + NONCE_BYTES;
  if (bytes[0] !== VERSION || bytes.length < bodyAt + TAG_BYTES) throw new UnsealError();
  return {
    keyId: bytes.toString('utf8', 2, nonceAt),
    nonce: bytes.subarray(nonceAt, bodyAt),
    ciphertext: bytes.subarray(bodyAt, -TAG_BYTES),
    tag: bytes.subarray(-TAG_BYTES),
  };
}
