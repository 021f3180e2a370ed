import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';

/** Long enough for a clock that is wrong by minutes. */
const LIFETIME_SECONDS = 600;

export interface AuthyDelivery {
  /** Of the endpoint, as it is registered: receivers compare it. */
  url: string;
  webhookId: string;
  events: readonly object[];
  /** `WSK_…` */
  signingKey: string;
  nowMs: number;
}

/**
 * The body that tells events to an endpoint of the Authy API: `{"body": <JWT>}`, HS256 with the key of the endpoint. It
 * describes the request that it travels in; each attempt has a nonce of its own.
 */
export async function toAuthyDelivery({ url, webhookId, events, signingKey, nowMs }: AuthyDelivery): Promise<string> {
  const issuedAt = Math.floor(nowMs / 1_000);
  const jwt = await new SignJWT({
    method: 'POST',
    url,
    params: { events, webhook_id: webhookId },
    nonce: randomUUID(),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFETIME_SECONDS)
    .sign(new TextEncoder().encode(signingKey));
  return JSON.stringify({ body: jwt });
}
