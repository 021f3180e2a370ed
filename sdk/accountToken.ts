import type { HttpOptions } from './http';
import { CountersignError, exchangeForToken } from './http';

const ACCOUNT_CODE = /^authy:\/\/account\?(?:.*&)?token=([\w-]+\.[\w-]+\.[\w-]+)(?:&.*)?$/i;

/**
 * Exchanges what a QR code says (`authy://account?token=…`), or the token in it, for a registration token that
 * `Device.register` takes. It does not name its server: the app knows its own. Fails with CountersignError:
 * `not_an_account_token` (nothing was sent), `account_token_invalid`, `account_token_expired`.
 */
export async function redeemAccountToken(
  scanned: string,
  options: HttpOptions,
): Promise<{ registrationToken: string; expiresAt: string }> {
  const text = scanned.trim();
  const jwt = ACCOUNT_CODE.exec(text)?.[1] ?? (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text) ? text : undefined);
  if (jwt === undefined) {
    throw new CountersignError({ status: 0, code: 'not_an_account_token', title: 'This is not an account token.' });
  }
  return exchangeForToken(options, '/v1/device/account-tokens', { jwt });
}
