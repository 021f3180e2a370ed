import type { SafeClient, SafeReply } from '../channels/http/safeClient';
import { signWebhook } from '../channels/webhooks/sign';
import type { CallbackBody } from '../contracts/approvals';
import type { Approval } from '../db/approvals';
import type { OneTouchCallbacks } from './oneTouchCallbacks';
import { toFacts } from './views';

export interface CallbackDeps {
  client: Pick<SafeClient, 'post'>;
  readSigningKey: (tenantId: string) => Promise<string>;
  oneTouch: OneTouchCallbacks;
  nowMs?: () => number;
}

/** Tells a tenant's back end the outcome of one approval, at the URL that came with it, in the dialect of the question. */
export function createCallbackSender({ client, readSigningKey, oneTouch, nowMs = Date.now }: CallbackDeps) {
  /** One id per approval, whatever happens: receivers drop repeats by it. */
  const idOf = (approval: Pick<Approval, 'id'>) => `cb_${approval.id}`;

  return {
    idOf,

    /** Whose health a delivery tells about: the origin of the URL. */
    endpointOf: ({ callbackUrl }: Pick<Approval, 'callbackUrl'>) => `callback:${new URL(callbackUrl!).origin}`,

    /** One attempt, signed anew. @throws SendError when there is no reply */
    post,

    /** One attempt, signed anew. @throws when the endpoint does not answer 2xx */
    async send(approval: Approval): Promise<void> {
      const { status } = await post(approval);
      if (status < 200 || status > 299) throw new Error(`the endpoint answered ${status}`);
    },
  };

  async function post(approval: Approval): Promise<SafeReply> {
    if (approval.status === 'pending') throw new Error('a pending approval has no outcome to tell');
    if (approval.oneTouch !== null) return oneTouch.post(approval, approval.oneTouch);
    const id = idOf(approval);
    const body = JSON.stringify({
      type: `approval.${approval.status}`,
      id,
      timestamp: new Date(approval.decidedAtMs!).toISOString(),
      data: toFacts(approval),
    } satisfies CallbackBody);
    const secret = await readSigningKey(approval.tenantId);
    return client.post(approval.callbackUrl!, {
      headers: {
        'content-type': 'application/json',
        ...signWebhook({ id, timestampSeconds: nowMs() / 1_000, body, secret }),
      },
      body,
    });
  }
}
export type CallbackSender = ReturnType<typeof createCallbackSender>;
