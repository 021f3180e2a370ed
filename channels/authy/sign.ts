import { createHmac } from 'node:crypto';
import { canonical } from './canonical';
import type { Parameters } from './canonical';

export interface CallToSign {
  /** Another one for every attempt. */
  nonce: string;
  /** In capitals. */
  method: string;
  /** As the other side knows it, without a query. */
  url: string;
  /** All of them, wherever they travel. */
  parameters: Parameters;
}

/** What is signed: nonce, method, URL and the canonical parameters. */
export const signedTextOf = ({ nonce, method, url, parameters }: CallToSign): string =>
  [nonce, method, url, canonical(parameters)].join('|');

/** The signature of such a text (base64): HMAC-SHA256 with the key of the application. */
export const signText = (key: string, signedText: string): string =>
  createHmac('sha256', key).update(signedText).digest('base64');

/**
 * The signature of one Authy call, as its header `X-Authy-Signature` carries it (base64): HMAC-SHA256 with the key of the
 * application, over nonce, method, URL and the canonical parameters.
 */
export const signAuthy = (key: string, call: CallToSign): string => signText(key, signedTextOf(call));
