import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { ask } from './api';
import type { Question, Reply } from './api';
import type { Decision, Status } from './told';

/** What a device is shown of an approval. */
export interface Shown {
  id: string;
  shown: string;
  nonce: string;
  mode: string;
  status: Status;
  answeredByMe: Decision | null;
}

/**
 * A device that speaks the protocol with its own few lines of cryptography, so that the campaign does not take the
 * SDK's word for anything.
 */
export class Phone {
  private readonly key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  private nonce: string | undefined;
  private registered: { deviceId: string; tenantId: string } | undefined;

  constructor(private readonly apiUrl: string) {}

  get deviceId(): string {
    return this.identity().deviceId;
  }

  /** Repeatable: the same token with the same key answers the same device. */
  async register(registrationToken: string): Promise<Reply> {
    const { x, y } = this.key.publicKey.export({ format: 'jwk' });
    const publicJwk = { kty: 'EC', crv: 'P-256', x, y };
    // RFC 7638: the required members in alphabetical order.
    const thumbprint = sha256(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }));
    const proof = this.sign(
      { typ: 'countersign-registration+jwt' },
      { registrationTokenHash: sha256(registrationToken), publicKeyThumbprint: thumbprint },
    );
    const body = JSON.stringify({ registrationToken, publicJwk, name: 'campaign', platform: 'test', proof });
    const reply = await ask<{ deviceId: string; tenantId: string }>(this.apiUrl, {
      method: 'POST',
      path: '/v1/device/registrations',
      body,
    });
    if (reply.status === 201) this.registered = reply.body;
    return { ...reply, body: { ...reply.body } };
  }

  /** So that the product has somebody to push to. */
  setPushTarget(): Promise<Reply> {
    return this.ask({
      method: 'PUT',
      path: '/v1/device/push-target',
      body: JSON.stringify({ kind: 'simulated', token: `campaign-${this.deviceId}` }),
    });
  }

  inbox(): Promise<Reply<{ approvals: Shown[] }>> {
    return this.ask({ method: 'GET', path: '/v1/device/approvals' });
  }

  show(approvalId: string): Promise<Reply<Shown>> {
    return this.ask({ method: 'GET', path: `/v1/device/approvals/${approvalId}` });
  }

  /** Signs and sends an answer; each call signs anew, so its bytes differ from those before. */
  answer({ id, shown, nonce, mode }: Shown, decision: Decision): Promise<Reply<Shown>> {
    const { deviceId, tenantId } = this.identity();
    const answer = this.sign(
      { typ: 'countersign-answer+jwt', kid: deviceId },
      {
        v: 1,
        mode,
        tenantId,
        approvalId: id,
        decision,
        shownDigest: sha256(shown),
        nonce,
        deviceId,
        at: new Date().toISOString(),
      },
    );
    const body = JSON.stringify({ answer });
    return ask(this.apiUrl, { method: 'POST', path: `/v1/device/approvals/${id}/answer`, body });
  }

  private async ask<Body>(question: Question): Promise<Reply<Body>> {
    const reply = await this.askOnce<Body & { code?: string }>(question);
    return reply.status === 401 && reply.body.code === 'nonce_required' ? this.askOnce<Body>(question) : reply;
  }

  private async askOnce<Body>(question: Question): Promise<Reply<Body>> {
    const proof = this.sign(
      { typ: 'dpop+jwt', kid: this.identity().deviceId },
      {
        jti: randomUUID(),
        htm: question.method,
        htu: this.apiUrl + question.path.split('?')[0]!,
        ...(this.nonce !== undefined && { nonce: this.nonce }),
        ...(question.body !== undefined && { bth: sha256(question.body) }),
      },
    );
    const reply = await ask<Body>(this.apiUrl, { ...question, headers: { DPoP: proof } });
    this.nonce = reply.headers.get('dpop-nonce') ?? this.nonce;
    return reply;
  }

  private identity(): { deviceId: string; tenantId: string } {
    if (!this.registered) throw new Error('this phone is not registered');
    return this.registered;
  }

  private sign(header: object, payload: object): string {
    const input = `${encode({ alg: 'ES256', ...header })}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(input), { key: this.key.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');
