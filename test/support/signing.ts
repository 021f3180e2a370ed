import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import type { DeviceApproval } from '../../contracts/device';
import { createWebCryptoKey } from '../../sdk/device';
import type { WebCryptoDeviceKey } from '../../sdk/device';
import { signCompactJws } from '../../sdk/sign';
import { asTenant, send } from './http';
import type { RawReply } from './http';
import type { TestUser } from './phone';
import type { TestProgram } from './program';

/** What a phone signs, put together by hand, so that a test can get any part of it wrong. */

export type Phone = TestUser['devices'][number];

export const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('base64url');

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWS without a signature, as the algorithm `none` would have it. */
export const unsigned = (header: object, payload: object): string =>
  `${base64url({ ...header, alg: 'none' })}.${base64url(payload)}.AA`;

export interface AnswerFaults {
  /** Whose key signs. */
  key?: WebCryptoDeviceKey;
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
}

/** A signed answer as it should be, but for the faults. */
export function signAnswer(
  program: TestProgram,
  phone: Phone,
  approval: DeviceApproval,
  decision: 'approved' | 'denied',
  { key = phone.key, header = {}, claims = {} }: AnswerFaults = {},
): Promise<string> {
  return signCompactJws(
    key,
    { typ: 'countersign-answer+jwt', kid: phone.id, ...header },
    {
      v: 1,
      mode: approval.mode,
      tenantId: program.tenant.id,
      approvalId: approval.id,
      decision,
      shownDigest: sha256(approval.shown),
      nonce: approval.nonce,
      deviceId: phone.id,
      at: new Date().toISOString(),
      ...claims,
    },
  );
}

/** Sends an answer as a phone would. */
export const sendAnswer = (program: TestProgram, approvalId: string, answer: string): Promise<RawReply> =>
  send(program, {
    method: 'POST',
    path: `/v1/device/approvals/${approvalId}/answer`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ answer }),
  });

export interface DeviceCall {
  method?: string;
  path: string;
  /** Sent after the path; a proof is about the path alone. */
  query?: string;
  body?: string | Buffer;
}

export interface ProofFaults {
  key?: WebCryptoDeviceKey;
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
}

/** The nonce that the server gives now. */
export async function currentNonce(program: TestProgram): Promise<string> {
  const { headers } = await send(program, { path: '/v1/device/approvals' });
  return String(headers['dpop-nonce']);
}

/** The proof of a device's call as it should be, but for the faults. */
export async function proveCall(
  program: TestProgram,
  phone: Phone,
  { method = 'GET', path, body }: DeviceCall,
  { key = phone.key, header = {}, claims = {} }: ProofFaults = {},
): Promise<string> {
  const nonce = 'nonce' in claims ? undefined : await currentNonce(program);
  return signCompactJws(
    key,
    { typ: 'dpop+jwt', kid: phone.id, ...header },
    {
      jti: randomUUID(),
      htm: method,
      htu: program.url + path,
      nonce,
      ...(body === undefined ? {} : { bth: sha256(body) }),
      ...claims,
    },
  );
}

/** A call of a device with this proof. */
export const sendProven = (program: TestProgram, call: DeviceCall, dpop: string | undefined): Promise<RawReply> =>
  send(program, {
    method: call.method ?? 'GET',
    path: call.path + (call.query ?? ''),
    headers: {
      ...(dpop === undefined ? {} : { dpop }),
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(call.body === undefined ? {} : { body: call.body }),
  });

/** A device's call with a proof as it should be, but for the faults. */
export const callAs = async (program: TestProgram, phone: Phone, call: DeviceCall, faults: ProofFaults = {}) =>
  sendProven(program, call, await proveCall(program, phone, call, faults));

/** A registration token of a user. */
export async function newToken(program: TestProgram, userId: string): Promise<string> {
  const { body } = await program.call('POST', `/v1/users/${userId}/registration-tokens`);
  return body.registrationToken as string;
}

/** A registration as it should be, but for the faults in its body or in what its proof says. */
export async function registration(
  registrationToken: string,
  { key, header = {}, claims = {}, body = {} }: AnswerFaults & { body?: Record<string, unknown> } = {},
): Promise<Record<string, unknown>> {
  const signer = key ?? (await createWebCryptoKey());
  const proof = await signCompactJws(
    signer,
    { typ: 'countersign-registration+jwt', ...header },
    {
      registrationTokenHash: sha256(registrationToken),
      publicKeyThumbprint: await calculateJwkThumbprint({ ...signer.publicJwk }),
      ...claims,
    },
  );
  return { registrationToken, publicJwk: signer.publicJwk, name: 'Phone', platform: 'test', proof, ...body };
}

/** Asks for a registration. */
export const register = (program: TestProgram, body: Record<string, unknown>): Promise<RawReply> =>
  send(program, {
    method: 'POST',
    path: '/v1/device/registrations',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Asks a user for approval, and gives what the user's phone then sees. */
export async function ask(program: TestProgram, user: TestUser, request: object = {}): Promise<DeviceApproval> {
  const created = await send(program, {
    method: 'POST',
    path: '/v1/approvals',
    headers: asTenant(program),
    body: JSON.stringify({ userId: user.id, title: 'May they?', mode: 'transaction', ...request }),
  });
  if (created.status !== 201) throw new Error(`asking was refused: ${created.text}`);
  return user.phone.show(created.body.id as string);
}
