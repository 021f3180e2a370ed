import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { OnboardingDefaults, Tenant, TenantRows } from '../db/tenants';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import { looksLikeApiKey, mintApiKey } from '../platform/keys/apiKey';

export interface NewTenant {
  tenant: Tenant;
  /** Shown this once. */
  apiKey: string;
  signingKey: string;
}

/** Tenants and their keys. */
export function createTenants(pool: Pool, tenants: TenantRows) {
  async function addApiKey(tx: Tx, tenantId: string): Promise<string> {
    const secret = mintApiKey();
    await tenants.insertApiKey(tx, { id: randomUUID(), tenantId, secret, hint: secret.slice(0, 9) });
    return secret;
  }

  return {
    /** Makes a tenant with its first API key and the key that signs its callbacks; undefined when the name is taken. */
    create: (name: string): Promise<NewTenant | undefined> =>
      inTransaction(pool, async (tx) => {
        const id = randomUUID();
        const signingKey = `whsec_${randomBytes(32).toString('base64')}`;
        if (!(await tenants.insert(tx, { id, name, signingKey }))) return undefined;
        const apiKey = await addApiKey(tx, id);
        return { tenant: (await tenants.find(tx, id))!, apiKey, signingKey };
      }),

    list: (): Promise<Tenant[]> => tenants.list(pool),

    findByName: (name: string): Promise<Tenant | undefined> => tenants.findByName(pool, name),

    /** A new API key; those before it work for `overlapMs` more. */
    rotateKey: (tenantId: string, overlapMs: number): Promise<string> =>
      inTransaction(pool, async (tx) => {
        await tenants.expireApiKeys(tx, tenantId, overlapMs);
        return addApiKey(tx, tenantId);
      }),

    /** The tenant that holds this API key. */
    async authenticate(apiKey: string): Promise<Tenant | undefined> {
      return looksLikeApiKey(apiKey) ? tenants.findByApiKey(pool, apiKey) : undefined;
    },

    /** Changes how long onboardings last and when they remind, where a call does not say so; answers what holds then. */
    async setOnboardingDefaults(tenantId: string, defaults: Partial<OnboardingDefaults>): Promise<OnboardingDefaults> {
      await tenants.setOnboardingDefaults(pool, tenantId, defaults);
      return tenants.readOnboardingDefaults(pool, tenantId);
    },

    readSigningKey: (tenantId: string): Promise<string> => tenants.readSigningKey(pool, tenantId),
  };
}
export type Tenants = ReturnType<typeof createTenants>;
