import type { JSONWebKeySet } from 'jose';
import { calculateJwkThumbprint, CompactSign, exportJWK, generateKeyPair } from 'jose';
import type { AnswerClaims } from '../../domain/answer';
import type { EvidenceAnswer, EvidenceDevice, EvidencePayload } from '../../domain/evidence';
import { base64url, sha256, utf8 } from '../../sdk/encoding';
import type { DeviceKey } from '../../sdk/device';
import { createWebCryptoKey } from '../../sdk/device';
import { signCompactJws } from '../../sdk/sign';

const KID = 'seal-1';
const APPROVAL_ID = '0192f0c0-0000-7000-8000-000000000001';
const TENANT_ID = '0192f0c0-0000-7000-8000-000000000002';
const [CREATED_AT, ANSWERED_AT, EXPIRES_AT] = [
  '2026-11-24T10:00:00.000Z',
  '2026-11-24T10:00:20.000Z',
  '2026-11-24T10:05:00.000Z',
] as const;

export type Phone = Awaited<ReturnType<typeof createPhone>>;

/** A device with a real key, as evidence describes it. */
export async function createPhone(id: string, userId: string) {
  const key: DeviceKey = await createWebCryptoKey();
  const thumbprint = await calculateJwkThumbprint(key.publicJwk);
  const registrationProof = await signCompactJws(
    key,
    { typ: 'countersign-registration+jwt' },
    { registrationTokenHash: await digest('a token'), publicKeyThumbprint: thumbprint },
  );
  const device: EvidenceDevice = {
    id,
    userId,
    publicJwk: key.publicJwk,
    thumbprint,
    name: 'Phone',
    platform: 'terminal',
    registeredAt: '2026-11-01T00:00:00.000Z',
    removedAt: null,
    registrationProof,
  };
  return { key, device };
}

/** A phone's answer, signed by its key; `changes` make it one about something else. */
export async function answerOf(
  { key, device }: Phone,
  evidence: EvidencePayload,
  changes: Partial<AnswerClaims> = {},
  typ = 'countersign-answer+jwt',
): Promise<EvidenceAnswer> {
  const { mode, tenantId, id: approvalId, nonce } = evidence.approval;
  const claims: AnswerClaims = {
    v: 1,
    mode,
    tenantId,
    approvalId,
    decision: 'approved',
    shownDigest: evidence.shownDigest,
    nonce,
    deviceId: device.id,
    at: ANSWERED_AT,
    ...changes,
  };
  return {
    jws: await signCompactJws(key, { typ, kid: device.id }, claims),
    deviceId: device.id,
    userId: device.userId,
    receivedAt: ANSWERED_AT,
    countedAs: claims.decision,
  };
}

/** A login that one person approved on one phone, with everything that goes with it. */
export async function createExample() {
  const installation = await generateKeyPair('ES256');
  const publicJwk = await exportJWK(installation.publicKey);
  const jwks: JSONWebKeySet = { keys: [{ ...publicJwk, kid: KID, alg: 'ES256', use: 'sig' }] };
  const phone = await createPhone('device-1', 'user-1');

  const shown = JSON.stringify({
    v: 1,
    type: 'countersign.approval',
    tenant: 'Démo Shop',
    mode: 'login',
    title: 'Log in to example.com',
    details: [{ label: 'Place', value: 'Zürich' }],
    createdAt: CREATED_AT,
    expiresAt: EXPIRES_AT,
  });
  const asked: EvidencePayload = {
    v: 1,
    issuer: 'https://approve.example.com',
    sealedAt: '2026-11-24T10:01:00.000Z',
    approval: {
      id: APPROVAL_ID,
      tenantId: TENANT_ID,
      mode: 'login',
      status: 'approved',
      reason: null,
      nonce: 'nonce-1',
      createdAt: CREATED_AT,
      expiresAt: EXPIRES_AT,
      decidedAt: ANSWERED_AT,
    },
    rule: { required: 1, approvers: ['user-1'] },
    shown,
    shownDigest: await digest(shown),
    answers: [],
    devices: [phone.device],
    events: [
      { number: 7, type: 'approval_created', at: CREATED_AT, data: {} },
      { number: 9, type: 'approval_approved', at: ANSWERED_AT, data: {} },
    ],
  };
  const evidence: EvidencePayload = { ...asked, answers: [await answerOf(phone, asked)] };
  const seal = (payload: object, header = { alg: 'ES256', typ: 'countersign-evidence+jwt', kid: KID }) =>
    new CompactSign(utf8(JSON.stringify(payload))).setProtectedHeader(header).sign(installation.privateKey);
  return { evidence, phone, jwks, seal };
}

export const digest = async (text: string) => base64url(await sha256(utf8(text)));
