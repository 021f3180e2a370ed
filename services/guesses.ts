import type { Pool } from 'pg';
import type { CodeOwner, CodeRows } from '../db/codes';
import { recordEvents } from '../db/events';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { UserRows } from '../db/users';
import { DomainError } from '../domain/errors';
import type { ErrorCode, RefusalDetail } from '../domain/errors';
import type { NewEvent } from '../domain/event';

/** What a person typed. */
export interface Guess extends CodeOwner {
  code: string;
  /** What it is typed for: a code that was sent for an action is good for that one only. */
  action?: string | undefined;
}

/**
 * How a guess was judged, within the transaction that counted it. A refusal is not thrown there: its count has to be
 * committed. The events are the caller's to record, as the last statement. `deviceId` is of the device that showed it.
 */
export type Verdict =
  | { kind: 'accepted'; events: NewEvent[]; deviceId?: string }
  | { kind: 'refused'; refusal: DomainError; events: NewEvent[] };

/** Judges a guess with its user locked, commits what was counted, and only then refuses. @throws user_not_found, the refusal */
export async function settle(
  { pool, users }: { pool: Pool; users: Pick<UserRows, 'lock' | 'confirm'> },
  { tenantId, userId }: Pick<Guess, 'tenantId' | 'userId'>,
  judge: (tx: Tx) => Promise<Verdict>,
  keep: (tx: Tx) => Promise<void>,
): Promise<void> {
  const verdict = await inTransaction(pool, async (tx) => {
    if (!(await users.lock(tx, tenantId, userId))) throw new DomainError('user_not_found');
    const judged = await judge(tx);
    if (judged.kind === 'accepted') {
      await users.confirm(tx, tenantId, userId);
      await keep(tx);
    }
    if (judged.events.length > 0) await recordEvents(tx, tenantId, judged.events);
    return judged;
  });
  if (verdict.kind === 'refused') throw verdict.refusal;
}

/** A wrong guess; with none left, the last one. */
export const wrongGuess = (attemptsLeft: number, event: Omit<NewEvent, 'type'>): Verdict =>
  refused('code_wrong', { attemptsLeft }, [
    { type: 'code_wrong', ...event },
    ...(attemptsLeft > 0 ? [] : [{ type: 'code_blocked' as const, ...event }]),
  ]);

/** No guess is left in the running hour: nothing was judged. */
export async function refusedThisHour(
  codes: Pick<CodeRows, 'windowEndsInMs'>,
  tx: Tx,
  { tenantId, userId }: Pick<Guess, 'tenantId' | 'userId'>,
): Promise<Verdict> {
  const endsInMs = await codes.windowEndsInMs(tx, tenantId, userId);
  return refused('too_many_attempts', { retryAfterSeconds: Math.ceil(endsInMs / 1_000) });
}

/** A refusal that is not thrown yet. */
export const refused = (code: ErrorCode, detail: RefusalDetail = {}, events: NewEvent[] = []): Verdict => ({
  kind: 'refused',
  refusal: new DomainError(code, detail),
  events,
});
