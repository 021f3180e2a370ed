import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { ApiKey, KeyHolder, Scopes } from '../db/apiKeys';
import type { AuthyCallback } from '../db/authyCallbacks';
import type { OnboardingDefaults, Tenant, TenantRows } from '../db/tenants';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { SendLimitChange, SendLimits } from '../domain/sendLimits';
import type { Switches } from '../domain/switches';
import { looksLikeApiKey, mintApiKey, mintAuthyApiKey } from '../platform/keys/apiKey';
import { createDashboardKeys } from './dashboardKeys';

export interface NewTenant {
  tenant: Tenant;
  /** Shown this once. */
  apiKey: string;
  signingKey: string;
  authyApiKey: string;
}

/** An Authy API key says whose call it is, so that two tenants cannot have the same. */
export class AuthyKeyInUse extends Error {
  override readonly name = 'AuthyKeyInUse';
}

const HINT_LENGTH = 9;
const MOST_KEY_CHARACTERS = 200;

/** Tenants and their keys. */
export function createTenants(pool: Pool, tenants: TenantRows) {
  async function addApiKey(tx: Tx, tenantId: string, scopes: Scopes, lifetimeMs: number | null): Promise<string> {
    const secret = mintApiKey();
    const hint = secret.slice(0, HINT_LENGTH);
    await tenants.insertApiKey(tx, { id: randomUUID(), tenantId, secret, hint, scopes, lifetimeMs });
    return secret;
  }

  return {
    ...createDashboardKeys(pool, tenants),

    /**
     * Makes a tenant with its first API key, the key that signs its callbacks, and its Authy API key: a new one, or the
     * one that it has elsewhere. Undefined when the name is taken.
     * @throws AuthyKeyInUse
     */
    create: (name: string, takenOver: { authyApiKey?: string | undefined } = {}): Promise<NewTenant | undefined> =>
      inTransaction(pool, async (tx) => {
        const id = randomUUID();
        const signingKey = `whsec_${randomBytes(32).toString('base64')}`;
        const authyApiKey = takenOver.authyApiKey ?? mintAuthyApiKey();
        const isTaken = async () => (await tenants.findByAuthyApiKey(tx, authyApiKey)) !== undefined;
        if (await tenants.findByName(tx, name)) return undefined;
        if (await isTaken()) throw new AuthyKeyInUse();
        if (!(await tenants.insert(tx, { id, name, signingKey, authyApiKey }))) {
          // Somebody was quicker, with the name or with the key.
          if (await isTaken()) throw new AuthyKeyInUse();
          return undefined;
        }
        const apiKey = await addApiKey(tx, id, null, null);
        return { tenant: (await tenants.find(tx, id))!, apiKey, signingKey, authyApiKey };
      }),

    list: (): Promise<Tenant[]> => tenants.list(pool),

    findByName: (name: string): Promise<Tenant | undefined> => tenants.findByName(pool, name),

    /** A new API key that may do everything; all those before it work for `overlapMs` more. */
    rotateKey: (tenantId: string, overlapMs: number): Promise<string> =>
      inTransaction(pool, async (tx) => {
        await tenants.expireApiKeys(tx, tenantId, overlapMs);
        return addApiKey(tx, tenantId, null, null);
      }),

    /** One more API key, which may do what its scopes say; `lifetimeMs` null: for good. */
    createKey: (tenantId: string, scopes: Scopes, lifetimeMs: number | null): Promise<string> =>
      inTransaction(pool, (tx) => addApiKey(tx, tenantId, scopes, lifetimeMs)),

    listKeys: (tenantId: string): Promise<ApiKey[]> => tenants.listApiKeys(pool, tenantId),

    /** Ends the keys with this hint now; answers how many were still valid. */
    revokeKey: (tenantId: string, hint: string): Promise<number> => tenants.expireApiKeys(pool, tenantId, 0, hint),

    /** The tenant that holds this API key, and what the key may do. */
    async authenticate(apiKey: string): Promise<KeyHolder | undefined> {
      return looksLikeApiKey(apiKey) ? tenants.findByApiKey(pool, apiKey) : undefined;
    },

    /** The tenant that has this Authy API key. */
    async authenticateAuthy(key: string): Promise<Tenant | undefined> {
      return key.length <= MOST_KEY_CHARACTERS ? tenants.findByAuthyApiKey(pool, key) : undefined;
    },

    /** Changes the switches that are given; answers how all of them stand then. */
    async setSwitches(tenantId: string, switches: Partial<Switches>): Promise<Switches> {
      await tenants.setSwitches(pool, tenantId, switches);
      return (await tenants.find(pool, tenantId))!.switches;
    },

    /** Changes how long onboardings last and when they remind, where a call does not say so; answers what holds then. */
    async setOnboardingDefaults(tenantId: string, defaults: Partial<OnboardingDefaults>): Promise<OnboardingDefaults> {
      await tenants.setOnboardingDefaults(pool, tenantId, defaults);
      return tenants.readOnboardingDefaults(pool, tenantId);
    },

    /** Changes where and how a tenant is called back in the Authy dialect; answers what holds then, for new approvals. */
    async setAuthyCallback(tenantId: string, settings: Partial<AuthyCallback>): Promise<AuthyCallback> {
      await tenants.setAuthyCallback(pool, tenantId, settings);
      return tenants.readAuthyCallback(pool, tenantId);
    },

    /** Changes how many questions of the Authy dialect one user may have; see UNAPPROVED. */
    setMostUnapproved: (tenantId: string, most: number): Promise<void> =>
      tenants.setMostUnapproved(pool, tenantId, most),

    /** Changes how many codes and links a tenant may send; answers what holds then, at once. */
    async setSendLimits(tenantId: string, limits: SendLimitChange): Promise<SendLimits> {
      await tenants.setSendLimits(pool, tenantId, limits);
      return tenants.readSendLimits(pool, tenantId);
    },

    readSigningKey: (tenantId: string): Promise<string> => tenants.readSigningKey(pool, tenantId),

    readAuthyApiKey: (tenantId: string): Promise<string | undefined> => tenants.readAuthyApiKey(pool, tenantId),

    /** Gives a tenant another Authy API key; the one before it ends. @throws AuthyKeyInUse */
    async setAuthyApiKey(tenantId: string, key: string): Promise<void> {
      if (!(await tenants.setAuthyApiKey(pool, tenantId, key))) throw new AuthyKeyInUse();
    },
  };
}
export type Tenants = ReturnType<typeof createTenants>;
