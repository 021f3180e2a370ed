import { randomUUID } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Code } from '../../db/codes';
import { inTransaction } from '../../db/transaction';
import type { Tx } from '../../db/transaction';
import type { Verdict } from '../../services/guesses';
import type { Bench } from '../support/services';

/** A user without devices. */
export const addPerson = async ({ services, tenant }: Bench): Promise<string> =>
  (await services.users.create(tenant.id, { externalId: randomUUID() }, async () => {})).id;

/** A code that nobody sends. */
export const issue = (
  { services, pool, tenant }: Bench,
  userId: string,
  more: Partial<Pick<Code, 'channel' | 'length' | 'purpose'>> = {},
): Promise<Code> =>
  inTransaction(pool, (tx) =>
    services.codes.issue(tx, {
      tenantId: tenant.id,
      userId,
      purpose: 'login',
      channel: 'sms',
      length: 6,
      ...more,
    }),
  );

/** Others of the same length: none of them is right. */
export const wrong = (digits: string, n = 1): string =>
  ((Number(digits) + n) % 10 ** digits.length).toString().padStart(digits.length, '0');

/** Judged in a transaction of its own, without the lock of the user that the route takes. */
export const judged = (bench: Bench, judge: (tx: Tx) => Promise<Verdict>): Promise<string> =>
  inTransaction(bench.pool, async (tx) => {
    const verdict = await judge(tx);
    return verdict.kind === 'accepted' ? 'accepted' : verdict.refusal.code;
  });

export const count = (all: readonly string[]): Record<string, number> =>
  all.reduce<Record<string, number>>((counts, one) => ({ ...counts, [one]: (counts[one] ?? 0) + 1 }), {});

/** Sixty of the same at once. */
export const sixty = async (work: (i: number) => Promise<string>): Promise<Record<string, number>> =>
  count(await Promise.all(Array.from({ length: 60 }, (_, i) => work(i))));

/** What an app with this secret shows at a time. */
export const digitsAt = (secret: string, timestamp: number): string =>
  new TOTP({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 }).generate({ timestamp });
