import type { Pool } from 'pg';
import type { RecentActRows } from '../db/recentActs';
import type { UserRows } from '../db/users';
import { MOST_ATTEMPTS_A_MINUTE } from '../domain/code';
import type { Keyring } from '../platform/keys/keyring';
import type { Codes } from './codes';
import { refused, settle } from './guesses';
import type { Guess, Verdict } from './guesses';
import type { Totp } from './totp';
import type { Tx } from '../db/transaction';
import { keepNothing } from './idempotency';

export interface SecondFactorDeps {
  pool: Pool;
  users: Pick<UserRows, 'lock' | 'confirm'>;
  recentActs: RecentActRows;
  keyring: Pick<Keyring, 'mac'>;
  codes: Pick<Codes, 'find' | 'judge' | 'wasAccepted'>;
  totp: Pick<Totp, 'recognize' | 'judge' | 'judgeAndEnable'>;
}

/** By which way accepted digits had come. */
export type FactorKind = 'sms' | 'voice' | 'totp';

const PACE = { most: MOST_ATTEMPTS_A_MINUTE, withinSeconds: 60, pauseSeconds: 0 } as const;

/** Digits that a person typed, where nobody says whether they were sent or shown by an authenticator app. */
export function createSecondFactor({ pool, users, recentActs, keyring, codes, totp }: SecondFactorDeps) {
  /** Each guess is counted once: as one at the app's codes where it is one of them, and otherwise at the code sent. */
  async function judge(tx: Tx, guess: Guess): Promise<[Verdict, FactorKind]> {
    const { tenantId, userId } = guess;
    const subject = keyring.mac('recent-guesses', tenantId, userId);
    if (!(await recentActs.take(tx, tenantId, subject, PACE))) {
      const retryAfterSeconds = await recentActs.secondsUntilNext(tx, tenantId, subject, PACE);
      return [refused('too_many_attempts', { retryAfterSeconds }), 'totp'];
    }
    const shown = await totp.recognize(tx, guess);
    if (shown === 'fresh') return [await totp.judgeAndEnable(tx, guess), 'totp'];
    if (shown === 'used') return [refused('code_used'), 'totp'];
    const sent = await codes.find(tx, guess);
    if (sent && codes.wasAccepted(sent, guess.code)) return [refused('code_used'), sent.channel];
    if (sent?.state === 'open') return [await codes.judge(tx, guess), sent.channel];
    const verdict = await totp.judge(tx, guess); // counts it as wrong, where there is an app
    return [verdict, 'totp'];
  }

  return {
    /**
     * @throws user_not_found, code_wrong, code_used, code_not_found, code_expired, totp_not_found, too_many_attempts
     */
    async check(guess: Guess): Promise<FactorKind> {
      let kind: FactorKind = 'totp';
      const judged = async (tx: Tx): Promise<Verdict> => {
        const [verdict, by] = await judge(tx, guess);
        kind = by;
        return verdict;
      };
      await settle({ pool, users }, guess, judged, keepNothing);
      return kind;
    },
  };
}
