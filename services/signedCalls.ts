import { signAuthy } from '../channels/authy/sign';
import type { CallToSign } from '../channels/authy/sign';
import { constantTimeEqual } from '../platform/keys/secret';

/** All that was sent, and the ways in which a client may have seen it. */
export interface SignedCall extends Pick<CallToSign, 'nonce' | 'method'> {
  signature: string;
  urls: readonly string[];
  parameters: readonly CallToSign['parameters'][];
}

/** Whether a call is signed with this key, as one of its URLs and spellings; in the same time for each of them. */
export function isSignedWith(key: string, { nonce, method, signature, urls, parameters }: SignedCall): boolean {
  const expected = urls.flatMap((url) =>
    parameters.map((one) => signAuthy(key, { nonce, method, url, parameters: one })),
  );
  return expected.filter((one) => constantTimeEqual(one, signature)).length > 0;
}
