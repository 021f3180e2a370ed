import { randomUUID } from 'node:crypto';
import { sendCallback, signCallback } from '../channels/authy/callback';
import type { SignedCallback } from '../channels/authy/callback';
import type { SafeClient, SafeReply } from '../channels/http/safeClient';
import { SendError } from '../channels/http/sendError';
import type { SendFailure } from '../channels/http/sendError';
import type { Tenant } from '../db/tenants';
import { MOST_AUTHY_ID } from '../domain/authyId';
import type { CallbackMethod } from '../domain/oneTouch';
import { toParameters } from './oneTouchCallbacks';

const DAY_MS = 86_400_000;
/** The last id that there can be: nobody's. */
const NOBODY = MOST_AUTHY_ID;

interface CallbackTest {
  sent: SignedCallback;
  /** What the endpoint answered, or why there was no reply. */
  reply: SafeReply | SendFailure;
}

/**
 * Sends one callback as an answer would cause it, signed, about an approval request that there is not. It is denied: an
 * endpoint that does not look whether it asked lets nobody in.
 */
export async function testCallback(
  client: Pick<SafeClient, 'post' | 'get'>,
  tenant: Pick<Tenant, 'id' | 'authyAppId'>,
  { url, method, key }: { url: string; method: CallbackMethod; key: string },
  nowMs = Date.now(),
): Promise<CallbackTest> {
  const sent = signCallback({ url, method, key, nowMs, parameters: sampleOf(tenant, nowMs) });
  const reply = await sendCallback(client, url, sent).catch((error: unknown) => {
    if (error instanceof SendError) return error.reason;
    throw error;
  });
  return { sent, reply };
}

const sampleOf = ({ id: tenantId, authyAppId }: Pick<Tenant, 'id' | 'authyAppId'>, nowMs: number) =>
  toParameters(
    {
      id: randomUUID(),
      tenantId,
      status: 'denied',
      reason: null,
      shown: JSON.stringify({ title: 'Test of the callback URL' }),
      hiddenDetails: JSON.stringify({ test: 'true' }),
      createdAtMs: nowMs - 10_000,
      expiresAtMs: nowMs - 10_000 + DAY_MS,
    },
    // As a verifier meets them that forgets something: marks, blanks, letters that are not ASCII, a list.
    {
      details: { account: 'DE89/3704 0044', amount: '10 € + tip', note: 'a=b;c,d (e)!' },
      logos: [{ res: 'default', url: 'https://example.com/logo.png' }],
    },
    {
      appId: authyAppId,
      user: { authyId: NOBODY },
      answer: {
        jws: `..${Buffer.alloc(64).toString('base64url')}`, // no device has signed it
        receivedAtMs: nowMs,
        device: { id: randomUUID(), authyId: NOBODY, platform: 'android', createdAtMs: nowMs - DAY_MS },
      },
    },
  );
