import type { HttpOptions } from './http';
import { CountersignError, exchangeForToken } from './http';

/** What an install link is good for. */
export interface OpenedLink {
  /** The server that the link leads to; `createDevice` takes it. */
  baseUrl: string;
  /** `Device.register` takes it. */
  registrationToken: string;
  /** ISO 8601; ten minutes from now. */
  expiresAt: string;
}

// The secret stands in the fragment, which browsers do not send.
const INSTALL_LINK = /^(https?:\/\/[^\s#?@\\]+)\/install#(il_[\w-]{1,190})$/i;

/**
 * Exchanges an install link, as the person got it, for a registration token. The link names its server: an app of one
 * installation compares `baseUrl` with its own before it registers. Fails with CountersignError: `not_an_install_link`
 * (nothing was sent), `install_link_invalid` (unknown, expired or used).
 */
export async function openInstallLink(link: string, options: Omit<HttpOptions, 'baseUrl'> = {}): Promise<OpenedLink> {
  const [, baseUrl, secret] = INSTALL_LINK.exec(link.trim()) ?? [];
  if (baseUrl === undefined) {
    throw new CountersignError({ status: 0, code: 'not_an_install_link', title: 'This is not an install link.' });
  }
  const token = await exchangeForToken({ ...options, baseUrl }, '/v1/device/install-links', { secret });
  return { baseUrl, ...token };
}
