import { CompactSign, exportJWK, generateKeyPair, calculateJwkThumbprint, importJWK } from 'jose';
import type { JWK } from 'jose';
import type { Pool } from 'pg';
import type { ApprovalRows } from '../db/approvals';
import type { DeviceRows } from '../db/devices';
import { listEventsOfApproval } from '../db/events';
import type { InstallationKeyRows } from '../db/installationKeys';
import type { Approval } from '../db/approvals';
import { EVIDENCE_TYPE, EVIDENCE_VERSION } from '../domain/evidence';
import type { EvidencePayload } from '../domain/evidence';
import { digest } from './text';

export interface EvidenceDeps {
  pool: Pool;
  approvals: ApprovalRows;
  devices: DeviceRows;
  keys: InstallationKeyRows;
  /** The installation's canonical URL. */
  issuer: () => string;
}

const iso = (ms: number) => new Date(ms).toISOString();

/** Evidence: all that proves an approval, in one file, sealed by this installation. */
export function createEvidence({ pool, approvals, devices, keys, issuer }: EvidenceDeps) {
  /** The sealing key; the first call of an installation makes it. Two first calls at once keep one. */
  async function sealingKey(): Promise<{ id: string; privateJwk: JWK }> {
    const current = await keys.findCurrent(pool);
    if (current) return current;
    const pair = await generateKeyPair('ES256', { extractable: true });
    const publicJwk = await exportJWK(pair.publicKey);
    const id = await calculateJwkThumbprint(publicJwk);
    const meant = { kid: id, alg: 'ES256', use: 'sig' };
    await keys.insertFirst(pool, {
      id,
      privateJwk: await exportJWK(pair.privateKey),
      publicJwk: { ...publicJwk, ...meant },
    });
    return (await keys.findCurrent(pool))!;
  }

  async function collect(approval: Approval): Promise<EvidencePayload> {
    const { tenantId, id } = approval;
    const answers = await approvals.listAnswers(pool, tenantId, id);
    const isWithdrawn = (userId: string) =>
      approval.approvers.some((person) => person.userId === userId && person.withdrawnAtMs !== null);
    const phones = await devices.listByIds(
      pool,
      tenantId,
      answers.map((answer) => answer.deviceId),
    );
    const events = await listEventsOfApproval(pool, tenantId, id);
    return {
      v: EVIDENCE_VERSION,
      issuer: issuer(),
      sealedAt: iso(approval.readAtMs),
      approval: {
        id,
        tenantId,
        mode: approval.mode,
        status: approval.status,
        reason: approval.reason,
        nonce: approval.nonce,
        createdAt: iso(approval.createdAtMs),
        expiresAt: iso(approval.expiresAtMs),
        decidedAt: approval.decidedAtMs === null ? null : iso(approval.decidedAtMs),
      },
      rule: {
        required: approval.required,
        approvers: approval.approvers.map(({ userId }) => userId),
        veto: approval.veto,
        requestedBy: approval.requestedBy,
        withdrawn: approval.approvers.flatMap(({ userId, withdrawnAtMs, withdrawnAfter }) =>
          withdrawnAtMs === null ? [] : [{ userId, at: iso(withdrawnAtMs), afterAnswers: withdrawnAfter! }],
        ),
      },
      shown: approval.shown,
      shownDigest: approval.shownDigest,
      ...(approval.hiddenDetails === null ? {} : { hiddenDetailsDigest: digest(approval.hiddenDetails) }),
      answers: answers.map(({ jws, deviceId, userId, decision, receivedAtMs }) => ({
        jws,
        deviceId,
        userId,
        receivedAt: iso(receivedAtMs),
        countedAs: isWithdrawn(userId) ? null : decision,
      })),
      devices: phones.map((phone) => ({
        id: phone.id,
        userId: phone.userId,
        publicJwk: phone.publicJwk,
        thumbprint: phone.thumbprint,
        name: phone.name,
        platform: phone.platform,
        registeredAt: iso(phone.createdAtMs),
        removedAt: phone.removedAtMs === null ? null : iso(phone.removedAtMs),
        registrationProof: phone.registrationProof,
      })),
      events: events.map(({ number, type, at, data }) => ({ number, type, at: at.toISOString(), data: data ?? {} })),
    };
  }

  return {
    /** A compact JWS (ES256) of the EvidencePayload of an approval. */
    async seal(approval: Approval): Promise<string> {
      const { id, privateJwk } = await sealingKey();
      return new CompactSign(new TextEncoder().encode(JSON.stringify(await collect(approval))))
        .setProtectedHeader({ alg: 'ES256', typ: EVIDENCE_TYPE, kid: id })
        .sign(await importJWK(privateJwk, 'ES256'));
    },

    /** The public halves, current and retired, as a JWK set (RFC 7517). */
    async publicKeys(): Promise<{ keys: Record<string, string>[] }> {
      await sealingKey();
      return { keys: (await keys.listPublic(pool)) as Record<string, string>[] };
    },
  };
}
export type Evidence = ReturnType<typeof createEvidence>;
