import { randomBytes, randomUUID } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Pool } from 'pg';
import { toString as toQrCode } from 'qrcode';
import type { CodeRows } from '../db/codes';
import type { Device, DeviceRows } from '../db/devices';
import { recordEvents } from '../db/events';
import type { TenantRows } from '../db/tenants';
import type { TotpRows, TotpSecret } from '../db/totp';
import { inTransaction, readClock } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { User, UserRows } from '../db/users';
import { DomainError } from '../domain/errors';
import type { NewEvent } from '../domain/event';
import {
  DEVICE_TOTP_PARAMETERS,
  DEVICE_TOTP_SECRET_BYTES,
  stepsAt,
  TOTP_PARAMETERS,
  TOTP_SECRET_BYTES,
} from '../domain/totp';
import type { TotpParameters } from '../domain/totp';
import { constantTimeEqual } from '../platform/keys/secret';
import { changeByDevice } from './deviceProofs';
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
  devices: Pick<DeviceRows, 'useProof'>;
  totp: TotpRows;
  codes: Pick<CodeRows, 'countInWindow' | 'returnToWindow' | 'windowEndsInMs'>;
  tenants: Pick<TenantRows, 'find'>;
  users: Pick<UserRows, 'lock' | 'confirm'>;
  methods: Pick<Methods, 'enable'>;
}

/** What a device needs to show digits by itself, without a network. */
export interface DeviceTotp {
  /** base32 */
  secret: string;
  parameters: typeof DEVICE_TOTP_PARAMETERS;
  /** By the server's clock, in ms: a phone's may be wrong. */
  nowMs: number;
}

/** Digits that an authenticator app shows, or a device of ours (RFC 6238). */
export function createTotp({ pool, devices, totp, codes, tenants, users, methods }: TotpDeps) {
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
    const app = appOf(secret, TOTP_PARAMETERS, { issuer, label: accountOf(user) });
    const uri = app.toString();
    return { secret: app.secret.base32, uri, qrSvg: await toQrCode(uri, { type: 'svg' }) };
  }

  /** All from which this person can read digits. Those of a device say nothing of an app that is being set up. */
  async function secretsFor(tx: Tx, { tenantId, userId, purpose }: Guess): Promise<TotpSecret[]> {
    const all = await totp.listOfUser(tx, tenantId, userId);
    return purpose === 'login' ? all : all.filter(isOfApp);
  }

  /**
   * Judges a guess and counts it, within the caller's transaction, by the database's clock. The first accepted one
   * confirms an app's secret; then `totp_confirmed` is among the events, and the caller enables the method.
   */
  async function judge(tx: Tx, guess: Guess): Promise<Verdict> {
    const { tenantId, userId, purpose, code } = guess;
    const secrets = await secretsFor(tx, guess);
    if (secrets.length === 0) return refused('totp_not_found');
    const attemptsLeft = await codes.countInWindow(tx, tenantId, userId);
    if (attemptsLeft === undefined) {
      return refusedThisHour(codes, tx, { tenantId, userId });
    }
    const event = { userId, data: { channel: 'totp', purpose } };
    const match = matchesOf(secrets, code).find(isFresh);
    if (!match || !(await totp.takeStep(tx, match.secret, match.step))) {
      return wrongGuess(attemptsLeft, event);
    }
    await codes.returnToWindow(tx, tenantId, userId);
    const { deviceId, isConfirmed } = match.secret;
    const events: NewEvent[] = isConfirmed ? [] : [{ type: 'totp_confirmed', userId }];
    const by = deviceId === null ? {} : { deviceId };
    return { kind: 'accepted', events: [...events, { type: 'code_accepted', ...event, ...by }], ...by };
  }

  /** The same; the first accepted code of an app enables the method, too. */
  async function judgeAndEnable(tx: Tx, guess: Guess): Promise<Verdict> {
    const { tenantId, userId } = guess;
    const verdict = await judge(tx, guess);
    if (verdict.kind === 'refused' || verdict.deviceId !== undefined) return verdict;
    if (!(await methods.enable(tx, tenantId, userId, 'totp'))) return verdict;
    const enabled: NewEvent = { type: 'method_enabled', userId, data: { method: 'totp' } };
    return { ...verdict, events: [...verdict.events, enabled] };
  }

  return {
    begin,
    judge,
    judgeAndEnable,

    /** Whether these are digits that the user's app or a device shows about now, and whether they were accepted already. */
    async recognize(tx: Tx, guess: Guess): Promise<'fresh' | 'used' | undefined> {
      const matches = matchesOf(await secretsFor(tx, guess), guess.code);
      if (matches.length === 0) return undefined;
      return matches.some(isFresh) ? 'fresh' : 'used';
    },

    /**
     * The secret of a device, made when it asks for the first time, and the same from then on; good until it is removed.
     * @throws proof_reused, device_unauthorized
     */
    ensureOfDevice: (device: Device, jti: string): Promise<DeviceTotp> =>
      changeByDevice({ pool, devices }, device, jti, async (tx) => {
        const secret = await totp.ensureOfDevice(tx, device, randomBytes(DEVICE_TOTP_SECRET_BYTES));
        if (!secret) throw new DomainError('device_unauthorized'); // removed since it proved itself
        const parameters = DEVICE_TOTP_PARAMETERS;
        return { secret: toSecret(secret).base32, parameters, nowMs: await readClock(tx) };
      }),

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
      const found = (await totp.listOfUser(pool, tenantId, userId)).find(isOfApp);
      const tenant = await tenants.find(pool, tenantId);
      if (!tenant || found?.id !== secretId || found.isConfirmed) return undefined;
      return appOf(found.secret, TOTP_PARAMETERS, { issuer: tenant.name, label }).toString();
    },

    /** The first accepted code of an app enables the method. @throws user_not_found, totp_not_found, code_wrong, too_many_attempts */
    check: (tenantId: string, userId: string, code: string, keep: (tx: Tx) => Promise<void>): Promise<void> => {
      const guess = { tenantId, userId, purpose: 'login', code } as const;
      return settle({ pool, users }, guess, (tx) => judgeAndEnable(tx, guess), keep);
    },
  };
}
export type Totp = ReturnType<typeof createTotp>;

/** An app that shows the digits of this secret. */
const appOf = (secret: Buffer, parameters: TotpParameters, about: { issuer?: string; label?: string } = {}) =>
  new TOTP({ ...parameters, ...about, secret: toSecret(secret) });

const toSecret = (bytes: Buffer) => new Secret({ buffer: new Uint8Array(bytes).buffer });

/** How an app lists it beside the tenant's name. */
const accountOf = ({ email, externalId, phone, id }: User): string => email ?? externalId ?? phone ?? id;

const isOfApp = ({ deviceId }: TotpSecret): boolean => deviceId === null;

/** A secret, and a step of it. */
interface Match {
  secret: TotpSecret;
  step: number;
}

const isFresh = ({ secret, step }: Match): boolean => step > secret.lastStep;

/** Whose digits these are about now, oldest step first. All are compared, so that the time does not tell which it was. */
function matchesOf(secrets: readonly TotpSecret[], typed: string): Match[] {
  return secrets.flatMap((secret) => {
    const { parameters, readAtMs } = secret;
    const app = appOf(secret.secret, parameters);
    const digitsOf = (step: number) => app.generate({ timestamp: step * parameters.period * 1_000 });
    const steps = stepsAt(readAtMs, parameters).filter((step) => constantTimeEqual(digitsOf(step), typed));
    return steps.map((step) => ({ secret, step }));
  });
}
