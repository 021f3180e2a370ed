import { createPublicKey, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import type { Pool } from 'pg';
import { ProofPayload, RegistrationPayload } from '../contracts/device';
import type { PushTarget } from '../contracts/device';
import type { Device, DeviceRows } from '../db/devices';
import { recordEvents } from '../db/events';
import type { Onboarding, OnboardingRows } from '../db/onboardings';
import { inTransaction, readClock } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { UserRows } from '../db/users';
import { asRefusal } from '../db/violations';
import { PROOF_TYPE, REGISTRATION_TYPE } from '../domain/device';
import type { PublicJwk } from '../domain/device';
import { DomainError } from '../domain/errors';
import type { NewEvent } from '../domain/event';
import { isOverdue } from '../domain/onboarding';
import type { Keyring } from '../platform/keys/keyring';
import type { Asked, Confirmations } from './confirmations';
import { changeByDevice } from './deviceProofs';
import type { MintedToken, RegistrationTokens } from './registrationTokens';
import { readUnverified, verifyJws } from './signatures';
import { digest, isId } from './text';

export interface RegistrationRequest {
  registrationToken: string;
  publicJwk: PublicJwk;
  name: string;
  platform: string;
  proof: string;
}

/** One call of a device, as its proof has to describe it. */
export interface ProvenCall {
  proof: string;
  method: string;
  /** Every base URL by which this server is known, followed by the path: any of them may be in the proof. */
  urls: readonly string[];
  /** The bytes of the body, where there is one. */
  body: Buffer | undefined;
}

export interface DeviceDeps {
  pool: Pool;
  devices: DeviceRows;
  users: UserRows;
  onboardings: Pick<OnboardingRows, 'lockOpen'>;
  confirmations: Pick<Confirmations, 'ask'>;
  tokens: RegistrationTokens;
  keyring: Keyring;
  /** Told once a registration is committed that made its person be asked to confirm. */
  onConfirmation: (asked: Asked) => void;
  nowMs?: () => number;
}

interface Registered {
  device: Device;
  confirming?: Asked;
}

/** A nonce is good for one to two of these. */
const NONCE_PERIOD_MS = 5 * 60_000;

/** The phones of people: registration, proof of who calls, push targets. */
export function createDevices(deps: DeviceDeps) {
  const { pool, devices, users, onboardings, confirmations, tokens, keyring, onConfirmation, nowMs = Date.now } = deps;

  // By our clock alone, so that the phone's does not matter; derived, so that every process knows it.
  const nonceAt = (atMs: number) =>
    keyring.mac('device-nonce', String(Math.floor(atMs / NONCE_PERIOD_MS))).toString('base64url');

  const nonceIsGood = (nonce: string) => {
    const bytes = Buffer.from(nonce, 'base64url');
    const period = Math.floor(nowMs() / NONCE_PERIOD_MS);
    return [period, period - 1].some((p) => keyring.macMatches('device-nonce', bytes, String(p)));
  };

  /** The onboarding of a locked user that a registration brings forward, whatever token it comes with. */
  async function findWaiting(tx: Tx, tenantId: string, userId: string): Promise<Onboarding | undefined> {
    const open = await onboardings.lockOpen(tx, tenantId, userId);
    return open?.status === 'waiting_for_device' && !isOverdue(open, open.readAtMs) ? open : undefined;
  }

  return {
    /** The nonce that a device's next proof has to carry. */
    currentNonce: (): string => nonceAt(nowMs()),

    /** By the integer that clients of the Authy API know. @throws device_not_found */
    async findByAuthyId(tenantId: string, authyId: number): Promise<Device> {
      const device = await devices.findByAuthyId(pool, tenantId, authyId);
      if (!device) throw new DomainError('device_not_found');
      return device;
    },

    createToken: (
      tenantId: string,
      userId: string,
      keep: (tx: Tx, token: MintedToken) => Promise<void>,
    ): Promise<MintedToken> =>
      inTransaction(pool, async (tx) => {
        if (!(await users.lock(tx, tenantId, userId))) throw new DomainError('user_not_found');
        const token = await tokens.mint(tx, { tenantId, userId, onboardingId: null }, await readClock(tx));
        await keep(tx, token);
        await recordEvents(tx, tenantId, [{ type: 'registration_token_created', userId }]);
        return token;
      }),

    /**
     * Redeems a token for a device, against proof that it holds its new key. The same token with the same key again
     * answers the same device, because a reply may get lost; with another key the token is spent.
     */
    async register(request: RegistrationRequest): Promise<Device> {
      const { registrationToken, publicJwk, name, platform, proof } = request;
      const tokenId = tokens.idOf(registrationToken);
      if (tokenId === undefined) throw new DomainError('registration_token_invalid');
      requireOnCurve(publicJwk);
      const thumbprint = await calculateJwkThumbprint({ ...publicJwk });
      const signed = await verifyJws(proof, publicJwk, REGISTRATION_TYPE, 'signature_invalid');
      const claims = RegistrationPayload.safeParse(signed);
      if (
        !claims.success ||
        claims.data.registrationTokenHash !== digest(registrationToken) ||
        claims.data.publicKeyThumbprint !== thumbprint
      ) {
        throw new DomainError('signature_invalid', { field: 'proof', reason: 'is about another token or key' });
      }
      const { device, confirming } = await inTransaction(pool, async (tx): Promise<Registered> => {
        const token = await devices.lockToken(tx, tokenId);
        if (!token) throw new DomainError('registration_token_invalid');
        const { tenantId, userId } = token;
        if (token.deviceId !== null) {
          const device = await devices.find(tx, token.deviceId);
          if (device?.thumbprint !== thumbprint || device.removedAtMs !== null) {
            throw new DomainError('registration_token_invalid');
          }
          return { device };
        }
        const user = await users.lock(tx, tenantId, userId);
        if (!user || (await readClock(tx)) >= token.expiresAtMs) throw new DomainError('registration_token_invalid');
        const waiting = await findWaiting(tx, tenantId, userId);
        if (token.onboardingId !== null && token.onboardingId !== waiting?.id) {
          throw new DomainError('registration_token_invalid');
        }
        const id = randomUUID();
        await devices.insert(tx, {
          id,
          tenantId,
          userId,
          name,
          platform,
          publicJwk,
          thumbprint,
          registrationProof: proof,
        });
        await devices.useToken(tx, tokenId, id);
        const device = (await devices.find(tx, id))!;
        const about = { userId, deviceId: id, ...(waiting && { onboardingId: waiting.id }) };
        const registered: NewEvent[] = [
          { type: 'device_registered', ...about },
          ...(token.byAccountToken ? [{ type: 'account_registered' as const, ...about }] : []),
        ];
        if (!waiting) {
          await recordEvents(tx, tenantId, registered);
          return { device };
        }
        const confirming = await confirmations.ask(tx, { ...waiting, deviceId: id });
        const complete: NewEvent = { type: 'device_registration_complete', ...about };
        await recordEvents(tx, tenantId, [...registered, complete, ...confirming.events], confirming.wake);
        return { device, confirming };
      }).catch((error: unknown) => {
        throw asRefusal(error);
      });
      if (confirming) onConfirmation(confirming);
      return device;
    },

    /**
     * The device that makes this call, by its proof (in the manner of RFC 9449, with our nonce in place of its clock).
     * @throws nonce_required when the nonce is missing or old, device_unauthorized for any other fault
     */
    async authenticate({ proof, method, urls, body }: ProvenCall): Promise<{ device: Device; jti: string }> {
      const { kid } = readUnverified(proof, 'device_unauthorized');
      const device = isId(kid) ? await devices.find(pool, kid) : undefined;
      if (!device) throw new DomainError('device_unauthorized');
      const signed = await verifyJws(proof, device.publicJwk, PROOF_TYPE, 'device_unauthorized');
      if (device.removedAtMs !== null) throw new DomainError('device_unauthorized');
      const claims = ProofPayload.safeParse(signed);
      if (!claims.success) throw new DomainError('device_unauthorized');
      const { jti, htm, htu, nonce, bth } = claims.data;
      if (htm !== method || !urls.includes(htu)) {
        throw new DomainError('device_unauthorized', { field: 'htu', reason: 'the proof is for another call' });
      }
      if (bth !== (body && digest(body))) {
        throw new DomainError('device_unauthorized', { field: 'bth', reason: 'the proof is for another body' });
      }
      if (nonce === undefined || !nonceIsGood(nonce)) throw new DomainError('nonce_required');
      return { device, jti };
    },

    /** @throws proof_reused */
    setPushTarget: (device: Device, jti: string, target: PushTarget): Promise<void> =>
      changeByDevice({ pool, devices }, device, jti, async (tx) => {
        const token = target.kind === 'none' ? null : target.token;
        await devices.setPushTarget(tx, device.tenantId, device.id, target.kind, token);
      }),

    /** The device removes itself. @throws proof_reused */
    unregister: (device: Device, jti: string): Promise<void> =>
      changeByDevice({ pool, devices }, device, jti, async (tx) => {
        const { tenantId, userId, id } = device;
        const removed = await devices.remove(tx, tenantId, userId, id);
        if (removed.length === 0) return;
        await recordEvents(tx, tenantId, [{ type: 'device_removed', userId, deviceId: id }]);
      }),
  };
}
export type Devices = ReturnType<typeof createDevices>;

/** Not every pair of coordinates is a point of the curve; Node refuses the others. */
function requireOnCurve(publicJwk: PublicJwk): void {
  try {
    createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
  } catch {
    throw new DomainError('public_key_invalid', { field: 'publicJwk', reason: 'is not a point on P-256' });
  }
}
