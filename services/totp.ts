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
import { refused, settle, wrongGuess } from './guesses';
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
  users: Pick<UserRows, 'find' | 'lock'>;
  methods: Pick<Methods, 'enable'>;
}

/** Digits that an authenticator app shows (RFC 6238). */
export function createTotp({ pool, totp, codes, tenants, users, methods }: TotpDeps) {
  /**
   * A new secret, within the caller's transaction, which holds the user and records `totp_created`. It replaces one that
   * was never confirmed.
   * @throws user_not_found, method_enabled
   */
  async function begin(tx: Tx, tenantId: string, userId: string): Promise<TotpSetUp> {
    const user = await users.find(tx, tenantId, userId);
    if (!user) throw new DomainError('user_not_found');
    const bytes = randomBytes(TOTP_SECRET_BYTES);
    if (!(await totp.insert(tx, { id: randomUUID(), tenantId, userId, secret: bytes }))) {
      throw new DomainError('method_enabled');
    }
    const { name } = (await tenants.find(tx, tenantId))!;
    const app = new TOTP({ ...TOTP_PARAMETERS, issuer: name, label: accountOf(user), secret: toSecret(bytes) });
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
      const endsInMs = await codes.windowEndsInMs(tx, tenantId, userId);
      return refused('too_many_attempts', { retryAfterSeconds: Math.ceil(endsInMs / 1_000) });
    }
    const event = { userId, data: { channel: 'totp', purpose } };
    const step = findStep(found, code);
    if (step === undefined || !(await totp.takeStep(tx, found, step))) {
      return wrongGuess(attemptsLeft, event);
    }
    await codes.returnToWindow(tx, tenantId, userId);
    const events: NewEvent[] = found.isConfirmed ? [] : [{ type: 'totp_confirmed', userId }];
    return { kind: 'accepted', events: [...events, { type: 'code_accepted', ...event }] };
  }

  return {
    begin,
    judge,

    /** @throws user_not_found, method_enabled */
    create: (tenantId: string, userId: string, keep: (tx: Tx, setUp: TotpSetUp) => Promise<void>): Promise<TotpSetUp> =>
      inTransaction(pool, async (tx) => {
        if (!(await users.lock(tx, tenantId, userId))) throw new DomainError('user_not_found');
        const setUp = await begin(tx, tenantId, userId);
        await keep(tx, setUp);
        await recordEvents(tx, tenantId, [{ type: 'totp_created', userId }]);
        return setUp;
      }),

    /** The first accepted code enables the method. @throws user_not_found, totp_not_found, code_wrong, too_many_attempts */
    check: (tenantId: string, userId: string, code: string, keep: (tx: Tx) => Promise<void>): Promise<void> => {
      const guess = { tenantId, userId, purpose: 'login', code } as const;
      const judgeAndEnable = async (tx: Tx): Promise<Verdict> => {
        const verdict = await judge(tx, guess);
        if (verdict.kind === 'refused' || !(await methods.enable(tx, tenantId, userId, 'totp'))) return verdict;
        const enabled: NewEvent = { type: 'method_enabled', userId, data: { method: 'totp' } };
        return { ...verdict, events: [...verdict.events, enabled] };
      };
      return settle({ pool, users }, guess, judgeAndEnable, keep);
    },
  };
}
export type Totp = ReturnType<typeof createTotp>;

const toSecret = (bytes: Buffer) => new Secret({ buffer: new Uint8Array(bytes).buffer });

/** How an app lists it beside the tenant's name. */
const accountOf = ({ email, externalId, phone, id }: User): string => email ?? externalId ?? phone ?? id;

/** The oldest step not taken yet whose code this is. All are compared, so that the time does not tell which one it was. */
function findStep({ secret, readAtMs, lastStep }: TotpSecret, typed: string): number | undefined {
  const app = new TOTP({ ...TOTP_PARAMETERS, secret: toSecret(secret) });
  const codeOf = (step: number) => app.generate({ timestamp: step * TOTP_PARAMETERS.period * 1_000 });
  return stepsAt(readAtMs)
    .filter((step) => constantTimeEqual(codeOf(step), typed))
    .find((step) => step > lastStep);
}
