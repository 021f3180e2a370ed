import type { JSONWebKeySet, JWK } from 'jose';
import { calculateJwkThumbprint, compactVerify } from 'jose';
import type { AnswerClaims } from '../domain/answer';
import { ANSWER_TYPE } from '../domain/answer';
import type { EvidenceAnswer, EvidenceCheck, EvidenceDevice, EvidencePayload } from '../domain/evidence';
import { checkConsistency, EVIDENCE_TYPE, judge } from '../domain/evidence';
import { isEvidence } from '../domain/evidenceShape';
import { base64url, sha256, utf8 } from './encoding';

const REGISTRATION_TYPE = 'countersign-registration+jwt';

export interface EvidenceReport {
  /** True when every check passed. */
  valid: boolean;
  checks: readonly EvidenceCheck[];
  /** What the evidence says; only when its seal holds. */
  evidence?: EvidencePayload;
}

/**
 * Verifies the evidence of one approval, offline. `keys` is the installation's /.well-known/jwks.json, obtained
 * otherwise than the evidence: whoever can change the file can also put keys into it.
 */
export async function verifyEvidence(jws: string, keys: JSONWebKeySet): Promise<EvidenceReport> {
  const sealed = await openSeal(jws, keys);
  if (typeof sealed === 'string') return report([judge('seal', '', sealed)]);
  const seal = judge('seal', 'The evidence is sealed by a key of this installation.', undefined);

  const evidence = sealed.payload;
  if (!isEvidence(evidence)) {
    return report([seal, judge('format', '', 'The content is not evidence in a version that is known here.')]);
  }
  const signed = await Promise.all(evidence.answers.map((answer) => verifiedClaims(answer, evidence.devices)));
  const unsigned = signed.findIndex((claims) => claims === undefined);
  const checks = [
    seal,
    judge('format', 'The content is complete.', undefined),
    judge('shown_digest', 'The digest is that of what was shown.', await digestFault(evidence)),
    judge(
      'answer_signatures',
      'Every answer is signed by the device that it names.',
      unsigned < 0 ? undefined : `Answer ${unsigned + 1} is not signed by the device that it names.`,
    ),
    judge(
      'device_registrations',
      'Every device proved its key when it was registered.',
      (await Promise.all(evidence.devices.map(registrationFault))).find((fault) => fault !== undefined),
    ),
    ...checkConsistency(evidence, signed),
  ];
  return report(checks, evidence);
}

function report(checks: readonly EvidenceCheck[], evidence?: EvidencePayload): EvidenceReport {
  return { valid: checks.every(({ passed }) => passed), checks, ...(evidence ? { evidence } : {}) };
}

/** The sealed content, or a sentence that says why the seal does not hold. */
async function openSeal(jws: string, { keys }: JSONWebKeySet): Promise<{ payload: unknown } | string> {
  const kid = header(jws)?.['kid'];
  const key = keys.find((candidate) => candidate.kid === kid && kid !== undefined);
  if (!key) return 'No key of the keys given has sealed this evidence.';
  return (
    (await verified(jws, key, EVIDENCE_TYPE)) ?? 'The seal is broken: the evidence was changed, or is not evidence.'
  );
}

async function digestFault({ shown, shownDigest }: EvidencePayload): Promise<string | undefined> {
  const same = base64url(await sha256(utf8(shown))) === shownDigest;
  return same ? undefined : 'The digest is not that of what was shown.';
}

async function verifiedClaims(
  { jws, deviceId }: EvidenceAnswer,
  devices: readonly EvidenceDevice[],
): Promise<AnswerClaims | undefined> {
  const device = devices.find(({ id }) => id === deviceId);
  if (!device || header(jws)?.['kid'] !== deviceId) return undefined;
  return (await verified(jws, device.publicJwk, ANSWER_TYPE))?.payload as AnswerClaims | undefined;
}

async function registrationFault(device: EvidenceDevice): Promise<string | undefined> {
  const { publicJwk, thumbprint } = device;
  if ((await calculateJwkThumbprint(publicJwk)) !== thumbprint) {
    return `The thumbprint of device ${device.id} is not that of its key.`;
  }
  const proof = await verified(device.registrationProof, publicJwk, REGISTRATION_TYPE);
  const claims = proof?.payload as { publicKeyThumbprint?: unknown } | undefined;
  return claims?.publicKeyThumbprint === thumbprint ? undefined : `Device ${device.id} did not prove its key.`;
}

/** The payload of a compact JWS of this type that this key signed. */
async function verified(jws: string, key: JWK, typ: string): Promise<{ payload: object } | undefined> {
  try {
    requireOneSpelling(jws);
    const { payload, protectedHeader } = await compactVerify(jws, { ...key, alg: 'ES256' }, { algorithms: ['ES256'] });
    const content: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    return protectedHeader.typ === typ && typeof content === 'object' && content !== null
      ? { payload: content }
      : undefined;
  } catch {
    return undefined; // Whatever is wrong with it: it is not what this key signed.
  }
}

/** The last character of base64 has bits that decoders ignore; "any changed byte is refused" has to include them. */
function requireOneSpelling(jws: string): void {
  for (const part of jws.split('.')) {
    if (base64url(decode(part)) !== part) throw new TypeError('not the one base64url spelling of its bytes');
  }
}

function header(jws: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(decode(jws.split('.')[0] ?? ''))) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function decode(part: string): Uint8Array {
  return Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
}
