import { decodeJwt, errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import type { Pool } from 'pg';
import { z } from 'zod';
import { authyId, externalId } from '../contracts/shapes';
import { recordEvents } from '../db/events';
import type { TenantRows } from '../db/tenants';
import { inTransaction, readClock } from '../db/transaction';
import type { UserRows } from '../db/users';
import { DomainError } from '../domain/errors';
import { sha256 } from '../platform/keys/secret';
import { keepNothing } from './idempotency';
import type { MintedToken, RegistrationTokens } from './registrationTokens';
import type { Users } from './users';

/** Longer ones would outlive the row that knows that they were used. */
const LONGEST_MS = 24 * 3_600_000;
/** The clock of the back end that signed it may be off by so much. */
const TOLERANCE_SECONDS = 60;

const Context = z.object({
  context: z.object({
    custom_user_id: z.union([externalId, z.int().transform(String)]),
    authy_app_id: authyId,
  }),
});

export interface AccountTokenDeps {
  pool: Pool;
  tenants: Pick<TenantRows, 'findByAuthyAppId' | 'readAuthyApiKey'>;
  users: Pick<Users, 'create'>;
  rows: Pick<UserRows, 'lock'>;
  tokens: Pick<RegistrationTokens, 'mint'>;
}

/**
 * Tokens that a back end signs by itself, with its Authy API key, and shows as a QR code: whoever scans one becomes the
 * user with that id of the back end's own, without telling a phone number.
 */
export function createAccountTokens({ pool, tenants, users, rows, tokens }: AccountTokenDeps) {
  /** Whose token it is, and for which user. @throws account_token_invalid, account_token_expired */
  async function verify(jwt: string): Promise<{ tenantId: string; externalId: string }> {
    const { context } = Context.parse(decodeUnverified(jwt));
    const tenant = await tenants.findByAuthyAppId(pool, context.authy_app_id);
    const key = tenant && (await tenants.readAuthyApiKey(pool, tenant.id));
    if (key === undefined) throw new DomainError('account_token_invalid');
    const { payload } = await jwtVerify(jwt, Buffer.from(key), {
      algorithms: ['HS256'],
      requiredClaims: ['exp'],
      clockTolerance: TOLERANCE_SECONDS,
    });
    if (payload.exp! * 1_000 > Date.now() + LONGEST_MS) {
      throw new DomainError('account_token_invalid', { field: 'jwt', reason: 'is valid for more than a day' });
    }
    return { tenantId: tenant!.id, externalId: context.custom_user_id };
  }

  return {
    /**
     * The registration token that an account token is good for; the same one each time, so that it registers one device.
     * @throws account_token_invalid, account_token_expired
     */
    async redeem(jwt: string): Promise<MintedToken> {
      const { tenantId, externalId: known } = await verify(jwt).catch((error: unknown) => {
        throw toRefusal(error);
      });
      const { id: userId } = await users.create(tenantId, { externalId: known }, keepNothing);
      return inTransaction(pool, async (tx) => {
        if (!(await rows.lock(tx, tenantId, userId))) throw new DomainError('temporarily_unavailable'); // removed since
        const owner = { tenantId, userId, onboardingId: null };
        const minted = await tokens.mint(tx, owner, await readClock(tx), idOf(jwt));
        await recordEvents(tx, tenantId, [{ type: 'registration_token_created', userId }]);
        return minted;
      });
    },
  };
}
export type AccountTokens = ReturnType<typeof createAccountTokens>;

function decodeUnverified(jwt: string): JWTPayload {
  try {
    return decodeJwt(jwt);
  } catch {
    throw new DomainError('account_token_invalid');
  }
}

/** Of the signature's bytes: base64url has several spellings of the same ones. */
function idOf(jwt: string): string {
  const hex = sha256(Buffer.from(jwt.slice(jwt.lastIndexOf('.') + 1), 'base64url')).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

function toRefusal(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new DomainError('account_token_expired');
  if (error instanceof errors.JOSEError || error instanceof z.ZodError) return new DomainError('account_token_invalid');
  return error;
}
