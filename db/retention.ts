import type { Queryable } from './transaction';

/** Rows that have done their work. Each kind is found through an index on its age. */
const EXPIRED = {
  // Kept for 48 hours: that is what the API promises.
  idempotencyKeys: `select ctid from idempotency_keys where created_at < now() - interval '48 hours' order by created_at`,
  // A proof cannot come again once its nonce is too old, after ten minutes at most.
  deviceProofs: `select ctid from device_proofs where used_at < now() - interval '1 hour' order by used_at`,
  // Not at once: a phone that got no reply may repeat its registration.
  registrationTokens: `select ctid from registration_tokens where expires_at < now() - interval '1 day' order by expires_at`,
  // Not at once: who checks an expired code is told that it has expired.
  codes: `select ctid from codes where expires_at < now() - interval '1 day' order by expires_at`,
  codeWindows: `select ctid from code_windows where window_started_at < now() - interval '1 hour' order by window_started_at`,
  // The longest time in which something is counted is an hour.
  recentActs: `select ctid from recent_acts where last_at < now() - interval '2 hours' order by last_at`,
  sentCodes: `select ctid from sent_codes where day < current_date - 2 order by day`,
  // Not at once: its end is asked for, and wrong guesses of an hour are counted.
  phoneVerifications: `select ctid from phone_verifications where expires_at < now() - interval '1 day' order by expires_at`,
  // Longer than any onboarding that could still confirm it.
  totpSecrets: `select ctid from totp_secrets where confirmed_at is null and created_at < now() - interval '2 days' order by created_at`,
  // Their attempts go with them; events stay, and can be delivered again.
  deliveries: `select ctid from deliveries where state = 'delivered' and delivered_at < now() - interval '30 days' order by delivered_at`,
} as const;

const TABLE = {
  idempotencyKeys: 'idempotency_keys',
  deviceProofs: 'device_proofs',
  registrationTokens: 'registration_tokens',
  codes: 'codes',
  codeWindows: 'code_windows',
  recentActs: 'recent_acts',
  sentCodes: 'sent_codes',
  phoneVerifications: 'phone_verifications',
  totpSecrets: 'totp_secrets',
  deliveries: 'deliveries',
} as const satisfies Record<keyof typeof EXPIRED, string>;

export type RetainedKind = keyof typeof EXPIRED;
export const RETAINED_KINDS = Object.keys(EXPIRED) as RetainedKind[];

/**
 * The statement that removes at most $1 rows. `now()` rather than `clock_timestamp()`: only what does not change during
 * the statement can be looked up in an index.
 */
export const removalOf = (kind: RetainedKind): string =>
  `delete from ${TABLE[kind]} where ctid = any(array(${EXPIRED[kind]} limit $1 for update skip locked))`;

/** Removes a batch of what has expired; answers how many rows that were. */
export async function removeExpired(db: Queryable, kind: RetainedKind, limit: number): Promise<number> {
  const { rowCount } = await db.query(removalOf(kind), [limit]);
  return rowCount ?? 0;
}
