import { randomBytes, randomUUID } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Pool } from 'pg';
import { toString as toQrCode } from 'qrcode';
import type { CodeRows } from '../db/codes';
import { recordEvents } from '../db/events';
import type { TenantRows } from '../db/tenants';
import type { TotpRows, TotpSecret } from '../db/totp';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { User, UserRows } from '../db/users';
import { DomainError } from '../domain/errors';
import type { NewEvent } from '../domain/event';
import { stepsAt, TOTP_PARAMETERS, TOTP_SECRET_BYTES } from '../domain/totp';
import { constantTimeEqual } from '../platform/keys/secret';
import { refused, refusedThisHour, settle, wrongGuess } from './guesses';
import type { Guess, Verdict } from './guesses';
import type { Methods } from './methods';

/** What an authenticator app needs; told once. */
export interface TotpSetUp {
  /** base32 */
  secret: string;
  /** otpauth://totp/… */
  uri: string;
  /** The URI as a QR code. */
  qrSvg: string;
}

export interface TotpDeps {
  pool: Pool;
  totp: TotpRows;
  codes: Pick<CodeRows, 'countInWindow' | 'returnToWindow' | 'windowEndsInMs'>;
  tenants: Pick<TenantRows, 'find'>;
  users: Pick<UserRows, 'lock' | 'confirm'>;
  methods: Pick<Methods, 'enable'>;
}

/** Digits that an authenticator app shows (RFC 6238). */
export function createTotp({ pool, totp, codes, tenants, users, methods }: TotpDeps) {
  /** A new secret, within the caller's transaction, which holds the user; in place of one that was never confirmed. */
  async function replaceSecret(tx: Tx, { tenantId, id: userId }: User) {
    const fresh = { id: randomUUID(), tenantId, userId, secret: randomBytes(TOTP_SECRET_BYTES) };
    if (!(await totp.insert(tx, fresh))) throw new DomainError('method_enabled');
    const { name: issuer } = (await tenants.find(tx, tenantId))!;
    return { ...fresh, issuer };
  }

  /** The same, as an app needs it; the caller records `totp_created`. @throws method_enabled */
  async function begin(tx: Tx, user: User): Promise<TotpSetUp> {
    const { secret, issuer } = await replaceSecret(tx, user);
    const app = appOf(secret, issuer, accountOf(user));
    const uri = app.toString();
    return { secret: app.secret.base32, uri, qrSvg: await toQrCode(uri, { type: 'svg' }) };
  }

  /**
   * Judges a guess and counts it, within the caller's transaction, by the database's clock. The first accepted one
   * confirms the secret; then `totp_confirmed` is among the events, and the caller enables the method.
   */
  async function judge(tx: Tx, { tenantId, userId, purpose, code }: Guess): Promise<Verdict> {
    const found = await totp.find(tx, tenantId, userId);
    if (!found) return refused('totp_not_found');
    const attemptsLeft = await codes.countInWindow(tx, tenantId, userId);
    if (attemptsLeft === undefined) {
      return refusedThisHour(codes, tx, { tenantId, userId });
    }
    const event = { userId, data: { channel: 'totp', purpose } };
    const step = stepsOf(found, code).find((each) => each > found.lastStep);
    if (step === undefined || !(await totp.takeStep(tx, found, step))) {
      return wrongGuess(attemptsLeft, event);
    }
    await codes.returnToWindow(tx, tenantId, userId);
    const events: NewEvent[] = found.isConfirmed ? [] : [{ type: 'totp_confirmed', userId }];
    return { kind: 'accepted', events: [...events, { type: 'code_accepted', ...event }] };
  }

  /** The same; the first accepted code enables the method, too. */
  async function judgeAndEnable(tx: Tx, guess: Guess): Promise<Verdict> {
    const { tenantId, userId } = guess;
    const verdict = await judge(tx, guess);
    if (verdict.kind === 'refused' || !(await methods.enable(tx, tenantId, userId, 'totp'))) return verdict;
    const enabled: NewEvent = { type: 'method_enabled', userId, data: { method: 'totp' } };
    return { ...verdict, events: [...verdict.events, enabled] };
  }

  return {
    begin,
    judge,
    judgeAndEnable,

    /** Whether these are digits that the user's app shows about now, and whether they were accepted already. */
    async recognize(tx: Tx, { tenantId, userId, code }: Guess): Promise<'fresh' | 'used' | undefined> {
      const found = await totp.find(tx, tenantId, userId);
      const steps = found ? stepsOf(found, code) : [];
      if (steps.length === 0) return undefined;
      return steps.some((step) => step > found!.lastStep) ? 'fresh' : 'used';
    },

    /** @throws user_not_found, method_enabled */
    create: (tenantId: string, userId: string, keep: (tx: Tx, setUp: TotpSetUp) => Promise<void>): Promise<TotpSetUp> =>
      inTransaction(pool, async (tx) => {
        const user = await users.lock(tx, tenantId, userId);
        if (!user) throw new DomainError('user_not_found');
        const setUp = await begin(tx, user);
        await keep(tx, setUp);
        await recordEvents(tx, tenantId, [{ type: 'totp_created', userId }]);
        return setUp;
      }),

    /**
     * A secret that the caller does not get to see, what people know it by, and its id for `uriOf`.
     * @throws user_not_found, method_enabled
     */
    createUnseen: (tenantId: string, userId: string): Promise<{ id: string; account: string; issuer: string }> =>
      inTransaction(pool, async (tx) => {
        const user = await users.lock(tx, tenantId, userId);
        if (!user) throw new DomainError('user_not_found');
        const { id, issuer } = await replaceSecret(tx, user);
        await recordEvents(tx, tenantId, [{ type: 'totp_created', userId }]);
        return { id, account: accountOf(user), issuer };
      }),

    /** What an app scans; undefined once the secret is confirmed, or another one took its place. */
    async uriOf(about: { tenantId: string; userId: string; secretId: string; label: string }) {
      const { tenantId, userId, secretId, label } = about;
      const found = await totp.find(pool, tenantId, userId);
      const tenant = await tenants.find(pool, tenantId);
      if (!tenant || found?.id !== secretId || found.isConfirmed) return undefined;
      return appOf(found.secret, tenant.name, label).toString();
    },

    /** The first accepted code enables the method. @throws user_not_found, totp_not_found, code_wrong, too_many_attempts */
    check: (tenantId: string, userId: string, code: string, keep: (tx: Tx) => Promise<void>): Promise<void> => {
      const guess = { tenantId, userId, purpose: 'login', code } as const;
      return settle({ pool, users }, guess, (tx) => judgeAndEnable(tx, guess), keep);
    },
  };
}
export type Totp = ReturnType<typeof createTotp>;

/** An app that shows the codes of this secret. */
const appOf = (secret: Buffer, issuer: string, label: string) =>
  new TOTP({ ...TOTP_PARAMETERS, issuer, label, secret: toSecret(secret) });

const toSecret = (bytes: Buffer) => new Secret({ buffer: new Uint8Array(bytes).buffer });

/** How an app lists it beside the tenant's name. */
const accountOf = ({ email, externalId, phone, id }: User): string => email ?? externalId ?? phone ?? id;

/** The steps whose code this is, oldest first. All are compared, so that the time does not tell which one it was. */
function stepsOf({ secret, readAtMs }: TotpSecret, typed: string): number[] {
  const app = new TOTP({ ...TOTP_PARAMETERS, secret: toSecret(secret) });
  const codeOf = (step: number) => app.generate({ timestamp: step * TOTP_PARAMETERS.period * 1_000 });
  return stepsAt(readAtMs).filter((step) => constantTimeEqual(codeOf(step), typed));
}
