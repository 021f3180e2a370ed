import { randomUUID } from 'node:crypto';
import type { DeviceRows } from '../db/devices';
import type { Tx } from '../db/transaction';
import { REGISTRATION_TOKEN_LIFETIME_MS } from '../domain/device';
import type { Keyring } from '../platform/keys/keyring';
import { createDerivedSecrets } from './derivedSecrets';

export interface MintedToken {
  registrationToken: string;
  expiresAtMs: number;
}

/** Secrets with which devices register. Each is derived from its row's id, so that the database does not hold it. */
export function createRegistrationTokens(devices: Pick<DeviceRows, 'insertToken'>, keyring: Keyring) {
  const secrets = createDerivedSecrets(keyring, 'rt', 'registration-token');
  return {
    /**
     * A token for a locked user, good for ten minutes from `nowMs`; of an onboarding, only while that waits for a device.
     * For an account token it is always the same one: it registers one device.
     */
    async mint(
      tx: Tx,
      owner: { tenantId: string; userId: string; onboardingId: string | null },
      nowMs: number,
      accountTokenId?: string,
    ): Promise<MintedToken> {
      const id = accountTokenId ?? randomUUID();
      const expiresAtMs = nowMs + REGISTRATION_TOKEN_LIFETIME_MS;
      await devices.insertToken(tx, { id, ...owner, byAccountToken: accountTokenId !== undefined, expiresAtMs });
      return { registrationToken: secrets.of(id), expiresAtMs };
    },

    /** The id of the row that a token was derived from, or undefined for anything else. */
    idOf: secrets.idOf,
  };
}
export type RegistrationTokens = ReturnType<typeof createRegistrationTokens>;
