import { decodeJwt, errors, jwtVerify } from 'jose';
import type { Pool } from 'pg';
import { z } from 'zod';
import { authyId } from '../contracts/shapes';
import type { Tenant, TenantRows } from '../db/tenants';

/** They say when they were made, and not how long they live. */
const LONGEST_SECONDS = 600;
/** The clock of the back end that signed it may be off by so much. */
const TOLERANCE_SECONDS = 60;

const Named = z.object({
  app_id: authyId,
});
const Claims = Named.extend({
  phone_number: z.union([z.string().min(1).max(40), z.int().positive().transform(String)]),
  iat: z.int(),
});

/** Whose token it is and about which phone, or why it is none. */
export type VerificationToken =
  { tenant: Tenant; phoneNumber: string } | { fault: 'invalid' | 'expired' | 'incomplete' };

export interface VerificationTokenDeps {
  pool: Pool;
  tenants: Pick<TenantRows, 'findByAuthyAppId' | 'readAuthyApiKey'>;
}

/**
 * Tokens by which an app, which holds no key, may verify one phone: its back end signs them with the Authy API key of
 * the tenant (HS256), with the claims `app_id`, `phone_number` and `iat`.
 */
export const createVerificationTokens = ({ pool, tenants }: VerificationTokenDeps) => ({
  async verify(jwt: string): Promise<VerificationToken> {
    try {
      const named = Named.safeParse(decodeJwt(jwt));
      if (!named.success) return { fault: 'incomplete' };
      const tenant = await tenants.findByAuthyAppId(pool, named.data.app_id);
      const key = tenant && (await tenants.readAuthyApiKey(pool, tenant.id));
      if (!key) return { fault: 'invalid' };
      const { payload } = await jwtVerify(jwt, Buffer.from(key), {
        algorithms: ['HS256'],
        clockTolerance: TOLERANCE_SECONDS,
      });
      const claims = Claims.safeParse(payload);
      if (!claims.success) return { fault: 'incomplete' };
      const ageSeconds = Date.now() / 1_000 - claims.data.iat;
      if (ageSeconds < -TOLERANCE_SECONDS) return { fault: 'invalid' };
      if (ageSeconds > LONGEST_SECONDS + TOLERANCE_SECONDS) return { fault: 'expired' };
      return { tenant, phoneNumber: claims.data.phone_number };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { fault: 'expired' };
      if (error instanceof errors.JOSEError) return { fault: 'invalid' };
      throw error;
    }
  },
});
export type VerificationTokens = ReturnType<typeof createVerificationTokens>;
