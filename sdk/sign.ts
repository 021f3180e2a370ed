import { base64url, utf8 } from './encoding';
import type { DeviceKey } from './key';

/**
 * A compact JWS, ES256. Written out, because libraries (jose) want the private key itself and a phone's key only signs;
 * besides, so the device SDK depends on nothing. Verification, where mistakes are dangerous, is jose's.
 */
export async function signCompactJws(
  key: DeviceKey,
  header: { typ: string; kid?: string },
  payload: object,
): Promise<string> {
  const protectedHeader = base64url(utf8(JSON.stringify({ alg: 'ES256', ...header })));
  const signed = `${protectedHeader}.${base64url(utf8(JSON.stringify(payload)))}`;
  const signature = await key.sign(utf8(signed));
  // Native key stores give DER, which is longer: better told here than refused by the server.
  if (signature.length !== 64) throw new TypeError('a P-256 signature has 64 bytes, r and s; this one is not (DER?)');
  return `${signed}.${base64url(signature)}`;
}
