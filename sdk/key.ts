import type { CryptoKey } from 'jose';
import type { PublicJwk } from '../contracts/shapes';
import type { Bytes } from './encoding';

/**
 * The P-256 key of a device. The SDK never sees the private half, so that it may live in a secure enclave, a key store
 * or React Native, which has no `crypto.subtle`.
 */
export interface DeviceKey {
  readonly publicJwk: PublicJwk;
  /** ECDSA with SHA-256; 64 bytes, r and s (IEEE P1363, what WebCrypto gives), not DER. */
  sign(bytes: Bytes): Promise<Uint8Array>;
}

/** A device key of WebCrypto. Browsers keep `pair` in IndexedDB, where it needs no export. */
export interface WebCryptoDeviceKey extends DeviceKey {
  readonly pair: { privateKey: CryptoKey; publicKey: CryptoKey };
}

/** The private half for storage by a program that has nothing better than a file. */
export type PrivateJwk = PublicJwk & { d: string };

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** A new key by WebCrypto. Only an extractable one can be exported afterwards; browsers do not need that. */
export async function createWebCryptoKey(options: { extractable?: boolean } = {}): Promise<WebCryptoDeviceKey> {
  return webCryptoKey(await crypto.subtle.generateKey(P256, options.extractable ?? false, ['sign', 'verify']));
}

/** A device key of a WebCrypto pair that was made before, for example one that comes out of IndexedDB. */
export async function webCryptoKey(pair: WebCryptoDeviceKey['pair']): Promise<WebCryptoDeviceKey> {
  return {
    pair,
    publicJwk: toPublicJwk(await crypto.subtle.exportKey('jwk', pair.publicKey)),
    async sign(bytes) {
      return new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, bytes));
    },
  };
}

/** The private half of an extractable key. Whoever reads it can approve in its owner's name. */
export async function exportPrivateJwk(key: WebCryptoDeviceKey): Promise<PrivateJwk> {
  const { d } = await crypto.subtle.exportKey('jwk', key.pair.privateKey);
  if (d === undefined) throw new TypeError('the key has no private half');
  return { ...key.publicJwk, d };
}

/** The key that was exported before. */
export async function importPrivateJwk(jwk: PrivateJwk): Promise<WebCryptoDeviceKey> {
  const privateKey = await crypto.subtle.importKey('jwk', jwk, P256, true, ['sign']);
  const publicKey = await crypto.subtle.importKey('jwk', toPublicJwk(jwk), P256, true, ['verify']);
  return webCryptoKey({ privateKey, publicKey });
}

function toPublicJwk({ x, y }: { x?: string; y?: string }): PublicJwk {
  if (x === undefined || y === undefined) throw new TypeError('the key is not an EC key');
  return { kty: 'EC', crv: 'P-256', x, y };
}
