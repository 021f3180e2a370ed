import type { RecentActRows } from '../db/recentActs';
import type { SentCodeRows } from '../db/sentCodes';
import type { TenantRows } from '../db/tenants';
import type { Tx } from '../db/transaction';
import { DomainError } from '../domain/errors';
import { lineOf } from '../domain/phoneLine';
import { NO_COUNTRY } from '../domain/sendLimits';
import type { Keyring } from '../platform/keys/keyring';

export interface SendLimitDeps {
  tenants: Pick<TenantRows, 'readSendLimits'>;
  recentActs: RecentActRows;
  sentCodes: SentCodeRows;
  keyring: Pick<Keyring, 'mac'>;
}

/** How many codes may be sent: to a phone, to a country, by a tenant. */
export function createSendLimits({ tenants, recentActs, sentCodes, keyring }: SendLimitDeps) {
  const refuse = (retryAfterSeconds: number, reason: string): never => {
    throw new DomainError('too_many_requests', { retryAfterSeconds, reason });
  };

  return {
    /**
     * Counts a code that is about to be sent, within the caller's transaction: what is refused, or not sent after all, is
     * rolled back and costs nothing. The day's counters are one row for all senders of a tenant: call it late.
     * @param hasPause a person asked for it, perhaps impatiently; a back end that asks for itself knows what it does
     * @throws too_many_requests, with the time after which the next one may be sent
     */
    async count(tx: Tx, tenantId: string, phone: string, { hasPause = false } = {}): Promise<void> {
      const limits = await tenants.readSendLimits(tx, tenantId);
      // Under the current key only: when the ring is turned, the hour of a phone begins anew.
      const subject = keyring.mac('recent-sends', tenantId, phone);
      const pauseSeconds = hasPause ? limits.pauseSeconds : 0;
      const pace = { most: limits.perHour, withinSeconds: 3_600, pauseSeconds };
      if (!(await recentActs.take(tx, tenantId, subject, pace))) {
        refuse(await recentActs.secondsUntilNext(tx, tenantId, subject, pace), 'codes to this phone');
      }
      const country = lineOf(phone).country ?? NO_COUNTRY;
      const inCountry = limits.countries[country] ?? limits.perDayInCountry;
      if (!(await sentCodes.count(tx, tenantId, country, { inCountry, inAll: limits.perDay }))) {
        refuse(await sentCodes.secondsUntilTomorrow(tx), 'codes on this day');
      }
    },
  };
}
export type SendLimits = ReturnType<typeof createSendLimits>;
