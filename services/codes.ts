import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { Code, CodeOwner, CodeRows, WantedCode } from '../db/codes';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { User, UserRows } from '../db/users';
import { CODE_LIFETIME_MS, isCodeExpired, MOST_ATTEMPTS } from '../domain/code';
import type { CodeChannel } from '../domain/code';
import { DomainError } from '../domain/errors';
import type { ErrorCode, RefusalDetail } from '../domain/errors';
import { requireUncharged } from '../domain/phoneLine';
import type { Keyring } from '../platform/keys/keyring';
import { sha256 } from '../platform/keys/secret';
import type { CodeDeliveries } from './codeDeliveries';
import { createDigits } from './digits';
import type { Reach, SendLimits } from './sendLimits';
import { refused, refusedThisHour, settle, wrongGuess } from './guesses';
import type { Guess, Verdict } from './guesses';

export interface CodeDeps {
  pool: Pool;
  codes: CodeRows;
  users: Pick<UserRows, 'lock' | 'confirm'>;
  keyring: Pick<Keyring, 'mac' | 'macs' | 'macMatches'>;
  /** Those with a provider. */
  channels: ReadonlySet<CodeChannel>;
  deliveries: Pick<CodeDeliveries, 'start'>;
  sendLimits: Pick<SendLimits, 'count'>;
}

/** A code as callers ask for it. */
export type CodeRequest = Pick<Code, 'channel' | 'length'> & {
  /** What it is for; whoever checks it has to name the same. */
  action?: string | undefined;
  /** What its message says of that. */
  actionMessage?: string | undefined;
  /** One of LOCALES; English otherwise. */
  locale?: string | undefined;
  /** A person asked for it, perhaps impatiently. */
  hasPause?: boolean;
};

/** Digits that a person gets by text message, call or e-mail, and types somewhere else. */
export function createCodes({ pool, codes, users, keyring, channels, deliveries, sendLimits }: CodeDeps) {
  const digits = createDigits('code', keyring);

  /**
   * Where a user is reached by a channel.
   * @throws channel_not_configured, no_phone, no_email, phone_invalid; all name the field that asked for the channel.
   */
  function requireReach(
    { phone, email }: Pick<User, 'phone' | 'email'>,
    channel: CodeChannel,
    field = 'channel',
  ): Reach {
    if (!channels.has(channel)) throw new DomainError('channel_not_configured', { field });
    if (channel === 'email') {
      if (email === null) throw new DomainError('no_email', { field });
      return { email };
    }
    if (phone === null) throw new DomainError('no_phone', { field });
    requireUncharged(phone, field);
    return { phone };
  }

  /**
   * A new code in place of the one before, within the caller's transaction, which holds the user. Sent by
   * `startDelivery` after the commit, or by reconcile.
   */
  const issue = (tx: Tx, { action, actionMessage, locale = 'en', hasPause: _, ...wanted }: CodeOwner & CodeRequest) => {
    const mac = action === undefined ? null : keyring.mac(ACTION, wanted.tenantId, action);
    const code: WantedCode = { ...wanted, action: mac, actionMessage: actionMessage ?? null, locale };
    return codes.issue(tx, { ...code, id: randomUUID() }, CODE_LIFETIME_MS);
  };

  const isSameAction = ({ action, tenantId }: Code, named: string | undefined): boolean =>
    action === null || named === undefined
      ? action === null && named === undefined
      : keyring.macMatches(ACTION, action, tenantId, named);

  /** Judges a guess and counts it, within the caller's transaction; locks the code, and then the user's hour. */
  async function judge(tx: Tx, { code: typed, action, ...owner }: Guess): Promise<Verdict> {
    const { tenantId, userId, purpose } = owner;
    const code = await codes.countAttempt(tx, owner);
    if (!code) return refused(...whyNot(await codes.find(tx, owner)));
    if (isCodeExpired(code)) return refused('code_expired');
    const leftThisHour = await codes.countInWindow(tx, tenantId, userId);
    if (leftThisHour === undefined) {
      await codes.returnAttempt(tx, code); // nothing was judged
      return refusedThisHour(codes, tx, owner);
    }
    const event = { userId, data: { channel: code.channel, purpose } };
    if (!digits.isRight(code, typed) || !isSameAction(code, action)) {
      const attemptsLeft = Math.min(MOST_ATTEMPTS - code.attempts, leftThisHour);
      return wrongGuess(attemptsLeft, event);
    }
    await codes.accept(tx, code);
    await codes.returnToWindow(tx, tenantId, userId);
    return { kind: 'accepted', events: [{ type: 'code_accepted', ...event }] };
  }

  return {
    /** The newest code for a purpose, of a user who is held. */
    find: codes.find,

    /** Whether these digits were accepted as this code, and its time is not over. */
    wasAccepted: (code: Code, typed: string): boolean =>
      code.state === 'accepted' && !isCodeExpired(code) && digits.isRight(code, typed),

    requireReach,
    issue,
    judge,

    /** Sends what was issued, once it is committed; in the background. */
    startDelivery: (code: Code): void => deliveries.start(code),

    /** The digits of a code, for whoever sends it. */
    digitsOf: digits.of,

    /**
     * Sends a user a code to log in with. What `keep` writes belongs to the same transaction.
     * @throws user_not_found, channel_not_configured, no_phone, no_email, phone_invalid, too_many_requests
     */
    async send(
      tenantId: string,
      userId: string,
      wanted: CodeRequest,
      keep: (tx: Tx, code: Code) => Promise<void>,
    ): Promise<Code> {
      const code = await inTransaction(pool, async (tx) => {
        const user = await users.lock(tx, tenantId, userId);
        if (!user) throw new DomainError('user_not_found');
        const reach = requireReach(user, wanted.channel);
        await sendLimits.count(tx, tenantId, reach, { hasPause: wanted.hasPause ?? false });
        const issued = await issue(tx, { ...wanted, tenantId, userId, purpose: 'login' });
        await keep(tx, issued);
        return issued;
      });
      deliveries.start(code);
      return code;
    },

    /** @throws user_not_found, code_not_found, code_expired, code_wrong, too_many_attempts */
    check: (tenantId: string, userId: string, code: string, keep: (tx: Tx) => Promise<void>): Promise<void> => {
      const guess = { tenantId, userId, purpose: 'login', code } as const;
      return settle({ pool, users }, guess, (tx) => judge(tx, guess), keep);
    },
  };
}
const ACTION = 'code-action';

export type Codes = ReturnType<typeof createCodes>;

/** What an e-mail with a code is known by, however often it is sent: `EM` and 32 hex digits. It tells nothing of the code. */
export const emailIdOf = ({ id, generation }: Pick<Code, 'id' | 'generation'>): string =>
  `EM${sha256(`countersign/email/${id}/${generation}`).toString('hex', 0, 16)}`;

/** Why a code takes no guess. */
function whyNot(code: Code | undefined): [ErrorCode, RefusalDetail?] {
  if (code?.state !== 'open') return ['code_not_found'];
  if (isCodeExpired(code)) return ['code_expired'];
  // Another code can be sent at once; this one is never judged again.
  return ['too_many_attempts', { retryAfterSeconds: Math.ceil((code.expiresAtMs - code.readAtMs) / 1_000) }];
}
