import type { Pool } from 'pg';
import { sendCallback, signCallback } from '../channels/authy/callback';
import type { SafeClient, SafeReply } from '../channels/http/safeClient';
import type { Shown } from '../contracts/device';
import type { Approval } from '../db/approvals';
import type { OneTouchFacts, OneTouchRows } from '../db/oneTouch';
import { toOneTouchStatus } from '../domain/oneTouch';
import type { OneTouch } from '../domain/oneTouch';
import { hexId } from './authyIds';

export interface OneTouchCallbackDeps {
  pool: Pool;
  client: Pick<SafeClient, 'post' | 'get'>;
  oneTouch: Pick<OneTouchRows, 'readFacts'>;
  readAuthyApiKey: (tenantId: string) => Promise<string | undefined>;
  nowMs?: () => number;
}

/** Tells the outcome of an approval to a back end that speaks to the Authy API. */
export function createOneTouchCallbacks(deps: OneTouchCallbackDeps) {
  const { pool, client, oneTouch, readAuthyApiKey, nowMs = Date.now } = deps;
  return {
    /** One attempt, signed anew with the tenant's Authy API key. @throws SendError when there is no reply */
    async post(approval: Approval, asked: OneTouch): Promise<SafeReply> {
      const key = await readAuthyApiKey(approval.tenantId);
      if (key === undefined) throw new Error('a tenant without an Authy API key was asked something in its dialect');
      const url = approval.callbackUrl!;
      const signed = signCallback({
        method: asked.callbackMethod,
        url,
        key,
        parameters: toParameters(approval, asked, await oneTouch.readFacts(pool, approval)),
        nowMs: nowMs(),
      });
      return sendCallback(client, url, signed);
    },
  };
}
export type OneTouchCallbacks = ReturnType<typeof createOneTouchCallbacks>;

const seconds = (ms: number): number => Math.floor(ms / 1_000);

type TellableApproval = Pick<
  Approval,
  'id' | 'tenantId' | 'status' | 'reason' | 'shown' | 'hiddenDetails' | 'createdAtMs' | 'expiresAtMs'
>;
type TellableFacts = Pick<OneTouchFacts, 'appId' | 'answer'> & { user: Pick<OneTouchFacts['user'], 'authyId'> };

/**
 * The parameters of a callback. Nothing that we add ourselves is a fraction, a number beyond 2^53, or text with `~` or
 * `*`: about these the verifiers of clients disagree.
 */
export function toParameters(
  approval: TellableApproval,
  asked: Pick<OneTouch, 'details' | 'logos'>,
  { appId, user, answer }: TellableFacts,
) {
  const { id: uuid, hiddenDetails } = approval;
  const status = toOneTouchStatus(approval.status);
  const { title } = JSON.parse(approval.shown) as Shown;
  return {
    authy_id: user.authyId,
    // A string: there is a client that refuses numbers, and none that looks at it otherwise.
    device_uuid: answer?.device.id ?? '',
    callback_action: 'approval_request_status',
    uuid,
    status,
    approval_request: {
      transaction: {
        details: asked.details ?? {},
        device_details: {},
        device_geolocation: '',
        device_signing_time: answer ? seconds(answer.receivedAtMs) : 0,
        encrypted: false,
        flagged: approval.reason === 'not_me',
        hidden_details: hiddenDetails === null ? {} : (JSON.parse(hiddenDetails) as object),
        message: title,
        reason: approval.reason ?? '',
        requester_details: null,
        status,
        uuid,
        created_at_time: seconds(approval.createdAtMs),
        customer_uuid: appId,
      },
      expiration_timestamp: seconds(approval.expiresAtMs),
      logos: asked.logos,
      app_id: hexId('app', approval.tenantId),
    },
    signature: answer ? signatureOf(answer.jws) : '',
    device: answer ? toDevice(answer.device) : {},
  };
}

/** What the device signed with (ES256), in base64; the signed text is in the evidence of the approval. */
const signatureOf = (jws: string): string => Buffer.from(jws.split('.')[2]!, 'base64url').toString('base64');

const toDevice = ({ authyId, platform, createdAtMs }: NonNullable<OneTouchFacts['answer']>['device']) => ({
  id: authyId,
  os_type: platform,
  ip: null,
  city: null,
  country: null,
  region: null,
  registration_ip: null,
  registration_city: null,
  registration_country: null,
  registration_region: null,
  registration_method: null,
  registration_date: seconds(createdAtMs),
  last_sync_date: null,
  last_account_recovery_at: null,
});
