import type { Pool } from 'pg';
import type { RecentActRows } from '../db/recentActs';
import type { UserRows } from '../db/users';
import { MOST_ATTEMPTS_A_MINUTE } from '../domain/code';
import type { CodeChannel } from '../domain/code';
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
  codes: Pick<Codes, 'find' | 'judge' | 'wasAccepted'>;
  totp: Pick<Totp, 'recognize' | 'judge' | 'judgeAndEnable'>;
}

/** By which way accepted digits had come. */
export type FactorKind = CodeChannel | 'totp';

/** Digits that were accepted. */
export interface Factor {
  kind: FactorKind;
  /** The device of ours that showed them. */
  deviceId?: string | undefined;
}

const PACE = { most: MOST_ATTEMPTS_A_MINUTE, withinSeconds: 60, pauseSeconds: 0 } as const;

/** Digits that a person typed, where nobody says whether they were sent, or shown by an authenticator app or a device. */
export function createSecondFactor({ pool, users, recentActs, codes, totp }: SecondFactorDeps) {
  /**
   * Each guess is counted once: as one at the app's codes where it is one of them, and otherwise at the code sent, or at
   * the app's where that one takes no guess any more. What an app or a device shows is good for every action: it knows
   * of none.
   */
  async function judge(tx: Tx, guess: Guess): Promise<[Verdict, FactorKind]> {
    const { tenantId, userId } = guess;
    const subjects = [Buffer.from(`guesses/${userId}`)];
    if (!(await recentActs.take(tx, tenantId, subjects, PACE))) {
      const retryAfterSeconds = await recentActs.secondsUntilNext(tx, tenantId, subjects, PACE);
      return [refused('too_many_attempts', { retryAfterSeconds }), 'totp'];
    }
    const shown = await totp.recognize(tx, guess);
    if (shown === 'fresh') return [await totp.judgeAndEnable(tx, guess), 'totp'];
    if (shown === 'used') return [refused('code_used'), 'totp'];
    const sent = await codes.find(tx, guess);
    if (sent && codes.wasAccepted(sent, guess.code)) return [refused('code_used'), sent.channel];
    const bySent = sent?.state === 'open' ? await codes.judge(tx, guess) : undefined;
    if (sent && bySent && wasJudged(bySent)) return [bySent, sent.channel];
    const byApp = await totp.judge(tx, guess); // counts it as wrong, where there is an app
    const hasApp = byApp.kind === 'accepted' || byApp.refusal.code !== 'totp_not_found';
    return sent && bySent && !hasApp ? [bySent, sent.channel] : [byApp, 'totp'];
  }

  return {
    /**
     * @throws user_not_found, code_wrong, code_used, code_not_found, code_expired, totp_not_found, too_many_attempts
     */
    async check(guess: Guess): Promise<Factor> {
      let factor: Factor = { kind: 'totp' };
      const judged = async (tx: Tx): Promise<Verdict> => {
        const [verdict, kind] = await judge(tx, guess);
        factor = { kind, deviceId: verdict.kind === 'accepted' ? verdict.deviceId : undefined };
        return verdict;
      };
      await settle({ pool, users }, guess, judged, keepNothing);
      return factor;
    },
  };
}

/** Not where the code had expired, or no guess at it was left. */
const wasJudged = (verdict: Verdict): boolean => verdict.kind === 'accepted' || verdict.refusal.code === 'code_wrong';
