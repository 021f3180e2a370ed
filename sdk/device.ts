import type { z } from 'zod';
import type { ApprovalDecision, DenialReason } from '../domain/approval';
import type { DeviceApproval, ensureDeviceTotp, PushTarget, Shown } from '../contracts/device';
import type { Bytes } from './encoding';
import { base64url, sha256 as webCryptoSha256, utf8 } from './encoding';
import type { Call, HttpOptions } from './http';
import { CountersignError, createHttp } from './http';
import type { DeviceKey } from './key';
import { signCompactJws } from './sign';

export type { DeviceApproval, PushTarget, Shown } from '../contracts/device';
export { redeemAccountToken } from './accountToken';
export { CountersignError } from './http';
export type { OpenedLink } from './installLink';
export { openInstallLink } from './installLink';
export type { DeviceKey, PrivateJwk, WebCryptoDeviceKey } from './key';
export { createWebCryptoKey, exportPrivateJwk, importPrivateJwk, webCryptoKey } from './key';

/** Who a registered device is. Store it beside the key. */
export interface DeviceIdentity {
  deviceId: string;
  userId: string;
  tenantId: string;
}

export interface DeviceOptions extends HttpOptions {
  key: DeviceKey;
  /** From an earlier registration; without it, call `register` first. */
  identity?: DeviceIdentity;
  /** Default: WebCrypto. React Native has none and hands in its own. */
  sha256?: (bytes: Bytes) => Promise<Uint8Array>;
}

type ToldTotp = z.output<typeof ensureDeviceTotp.reply>;

/** What `readTotp` makes digits from, also without a network. As secret as the key. */
export interface DeviceTotp extends Omit<ToldTotp, 'now'> {
  /** How much the server's clock was ahead of this device's when it was asked, in ms. */
  aheadMs: number;
}

export interface Inbox {
  approvals: DeviceApproval[];
  /** Hand it to the next call, which then waits for a change. */
  cursor: string;
}

export interface Device {
  readonly identity: DeviceIdentity | undefined;
  /** Registers the key. Repeatable: the same token with the same key answers the same device. */
  register(registrationToken: string, about: { name: string; platform: string }): Promise<DeviceIdentity>;
  /** What waits for this person; with `wait` (seconds, at most 30) and `cursor` only once that is no longer the same. */
  inbox(options?: { wait?: number; cursor?: string; signal?: AbortSignal }): Promise<Inbox>;
  /** One approval. */
  show(approvalId: string): Promise<DeviceApproval>;
  /** Signs the decision about exactly what was received in `shown`. Repeatable. */
  answer(
    approval: Pick<DeviceApproval, 'id' | 'shown' | 'nonce' | 'mode'>,
    decision: ApprovalDecision,
    reason?: DenialReason,
  ): Promise<DeviceApproval>;
  /** For digits that a person types where the phone has no network. Keep it; asking again sets the clock right. */
  totp(): Promise<DeviceTotp>;
  /** Where this device receives pushes. */
  setPushTarget(target: PushTarget): Promise<void>;
  /** Removes this device; the key is good for nothing afterwards. */
  unregister(): Promise<void>;
}

/** The phone's side of Countersign: runs in browsers, React Native and Node. */
export function createDevice(options: DeviceOptions): Device {
  const { key, sha256 = webCryptoSha256 } = options;
  const http = createHttp(options);
  let identity = options.identity;
  let nonce: string | undefined;
  const digest = async (text: string) => base64url(await sha256(utf8(text)));

  function requireIdentity(): DeviceIdentity {
    if (!identity) throw new Error('this device is not registered yet: call register first, or hand in its identity');
    return identity;
  }

  /** Says which call this is, in the manner of RFC 9449. The server's nonce makes it fresh, not the phone's clock. */
  async function proof(call: Omit<Call, 'headers'>): Promise<string> {
    return signCompactJws(
      key,
      { typ: 'dpop+jwt', kid: requireIdentity().deviceId },
      {
        jti: newProofId(),
        htm: call.method,
        htu: http.baseUrl + call.path,
        ...(nonce === undefined ? {} : { nonce }),
        ...(call.body === undefined ? {} : { bth: await digest(call.body) }),
      },
    );
  }

  async function proven(call: Omit<Call, 'headers' | 'onReply'>): Promise<unknown> {
    const send = () =>
      http.send({
        ...call,
        headers: async () => ({ dpop: await proof(call) }),
        onReply: (headers) => (nonce = headers.get('dpop-nonce') ?? nonce),
      });
    try {
      return await send();
    } catch (error) {
      if (error instanceof CountersignError && error.code === 'nonce_required') return await send();
      throw error;
    }
  }

  /** What carries its own signature needs no proof. */
  const signed = (path: string, body: object) =>
    http.send({ method: 'POST', path, body: JSON.stringify(body), headers: () => Promise.resolve({}) });

  return {
    get identity() {
      return identity;
    },

    async register(registrationToken, { name, platform }) {
      const { publicJwk } = key;
      const registrationProof = await signCompactJws(
        key,
        { typ: 'countersign-registration+jwt' },
        {
          registrationTokenHash: await digest(registrationToken),
          publicKeyThumbprint: await digest(thumbprintText(publicJwk)),
        },
      );
      const body = { registrationToken, publicJwk, name, platform, proof: registrationProof };
      identity = (await signed('/v1/device/registrations', body)) as DeviceIdentity;
      return identity;
    },

    async inbox({ wait = 0, cursor, signal } = {}) {
      const query = { wait, cursor };
      const call = { method: 'GET', path: '/v1/device/approvals', query, waitSeconds: wait, signal } as const;
      return (await proven(call)) as Inbox;
    },

    async show(approvalId) {
      return (await proven({ method: 'GET', path: approvalPath(approvalId) })) as DeviceApproval;
    },

    async answer({ id, shown, nonce: approvalNonce, mode }, decision, reason) {
      const { deviceId, tenantId } = requireIdentity();
      const answer = await signCompactJws(
        key,
        { typ: 'countersign-answer+jwt', kid: deviceId },
        {
          v: 1,
          mode,
          tenantId,
          approvalId: id,
          decision,
          ...(reason === undefined ? {} : { reason }),
          shownDigest: await digest(shown),
          nonce: approvalNonce,
          deviceId,
          at: new Date().toISOString(),
        },
      );
      return (await signed(`${approvalPath(id)}/answer`, { answer })) as DeviceApproval;
    },

    async totp() {
      const { now, ...totp } = (await proven({ method: 'POST', path: '/v1/device/totp' })) as ToldTotp;
      return { ...totp, aheadMs: Date.parse(now) - Date.now() };
    },

    async setPushTarget(target) {
      await proven({ method: 'PUT', path: '/v1/device/push-target', body: JSON.stringify(target) });
    },

    async unregister() {
      try {
        await proven({ method: 'DELETE', path: '/v1/device' });
      } catch (error) {
        // The reply of an earlier attempt was lost: by now the server no longer knows this device.
        const gone =
          error instanceof CountersignError && error.repeated && (error.status === 401 || error.status === 403);
        if (!gone) throw error;
      }
    },
  };
}

/** Reads what is to be shown. Only for display: what counts, and is signed, is the string itself. */
export function readShown({ shown }: Pick<DeviceApproval, 'shown'>): Shown {
  const text = JSON.parse(shown) as Shown;
  // A person must not decide upon something that this program does not know how to show.
  if (text.v !== 1 || text.type !== 'countersign.approval') throw new Error('this approval needs a newer phone');
  return text;
}

const approvalPath = (id: string) => `/v1/device/approvals/${encodeURIComponent(id)}`;

/** The members of RFC 7638, in its order. */
const thumbprintText = ({ crv, kty, x, y }: DeviceKey['publicJwk']) => JSON.stringify({ crv, kty, x, y });

/** Unique, not secret: so Math.random is good enough where there is no WebCrypto. */
function newProofId(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;
}
