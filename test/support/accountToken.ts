import { SignJWT } from 'jose';

export interface AccountClaims {
  appId: number | string;
  customUserId: string;
  /** Seconds from now; negative: it has expired. */
  livesSeconds?: number;
  /** In the place of what back ends write. */
  payload?: Record<string, unknown>;
}

/** A token that a back end signs by itself and shows as a QR code, as the ones that were seen in the wild. */
export async function signAccountToken(
  authyApiKey: string,
  { appId, customUserId, livesSeconds = 300, payload = {} }: AccountClaims,
): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const context = { custom_user_id: customUserId, authy_app_id: String(appId) };
  return new SignJWT({ iss: 'Bank', iat: now, exp: now + livesSeconds, context, ...payload })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(Buffer.from(authyApiKey));
}
