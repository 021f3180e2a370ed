import type { RecentActRows } from '../db/recentActs';
import type { SentCodeRows } from '../db/sentCodes';
import type { TenantRows } from '../db/tenants';
import type { Tx } from '../db/transaction';
import { DomainError } from '../domain/errors';
import { lineOf } from '../domain/phoneLine';
import { NO_COUNTRY } from '../domain/sendLimits';
import type { SendLimits as Limits } from '../domain/sendLimits';
import type { Keyring } from '../platform/keys/keyring';

export interface SendLimitDeps {
  tenants: Pick<TenantRows, 'readSendLimits'>;
  recentActs: RecentActRows;
  sentCodes: SentCodeRows;
  keyring: Pick<Keyring, 'macs'>;
}

/** Where a code goes: a phone in E.164, or an e-mail address. */
export type Reach = { phone: string } | { email: string };

/** How many codes may be sent: to a phone or an address, to a country, by a tenant. */
export function createSendLimits({ tenants, recentActs, sentCodes, keyring }: SendLimitDeps) {
  const refuse = (retryAfterSeconds: number, reason: string): never => {
    throw new DomainError('too_many_requests', { retryAfterSeconds, reason });
  };

  /** What is counted as one: a phone, or an address however its letters are written. */
  const subjectsOf = (tenantId: string, to: Reach): Buffer[] =>
    'phone' in to
      ? keyring.macs('recent-sends', tenantId, to.phone)
      : keyring.macs('recent-emails', tenantId, to.email.toLowerCase());

  /** An e-mail goes to no country. */
  function budgetsOf({ perDay, perDayInCountry, countries }: Limits, to: Reach): Parameters<SentCodeRows['count']>[2] {
    if (!('phone' in to)) return { inAll: perDay };
    const country = lineOf(to.phone).country ?? NO_COUNTRY;
    return { inAll: perDay, country, inCountry: countries[country] ?? perDayInCountry };
  }

  return {
    /**
     * Counts a code that is about to be sent, within the caller's transaction: what is refused, or not sent after all, is
     * rolled back and costs nothing. The day's counters are one row for all senders of a tenant: call it late.
     * @param hasPause a person asked for it, perhaps impatiently; a back end that asks for itself knows what it does
     * @throws too_many_requests, with the time after which the next one may be sent
     */
    async count(tx: Tx, tenantId: string, to: Reach, { hasPause = false } = {}): Promise<void> {
      const limits = await tenants.readSendLimits(tx, tenantId);
      const subjects = subjectsOf(tenantId, to);
      const pauseSeconds = hasPause ? limits.pauseSeconds : 0;
      const pace = { most: limits.perHour, withinSeconds: 3_600, pauseSeconds };
      if (!(await recentActs.take(tx, tenantId, subjects, pace))) {
        const what = 'phone' in to ? 'phone' : 'address';
        refuse(await recentActs.secondsUntilNext(tx, tenantId, subjects, pace), `codes to this ${what}`);
      }
      if (!(await sentCodes.count(tx, tenantId, budgetsOf(limits, to)))) {
        refuse(await sentCodes.secondsUntilTomorrow(tx), 'codes on this day');
      }
    },
  };
}
export type SendLimits = ReturnType<typeof createSendLimits>;
