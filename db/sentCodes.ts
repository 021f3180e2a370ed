import type { Queryable, Tx } from './transaction';

const TODAY = `(clock_timestamp() at time zone 'UTC')::date`;

/** How many codes may be sent on a day: by a tenant, and of these to a country where there is one. */
export type DayBudgets = { inAll: number } & ({ country: string; inCountry: number } | { country?: never });

/** How many codes a tenant sends on a day, and how many it may. */
export function createSentCodeRows() {
  return {
    /**
     * Counts a code in one statement, for all and for its country: of any number at once, no more than the budgets get
     * true. What is refused has to be rolled back, for the other one may be counted.
     */
    async count(tx: Tx, tenantId: string, budgets: DayBudgets): Promise<boolean> {
      const [country, inCountry] = budgets.country === undefined ? [null, null] : [budgets.country, budgets.inCountry];
      const { rowCount } = await tx.query(
        `insert into sent_codes as kept (tenant_id, country, day, sent)
         select $1, budget.country, ${TODAY}, 1
           from (values (''::text, $4::int), ($2::text, $3::int)) budget (country, most)
          where most > 0 order by budget.country
         on conflict on constraint sent_codes_once do update set sent = kept.sent + 1
          where kept.sent < case kept.country when '' then $4::int else $3::int end`,
        [tenantId, country, inCountry, budgets.inAll],
      );
      return rowCount === (country === null ? 1 : 2);
    },

    /** Until the next day begins, at least 1. */
    async secondsUntilTomorrow(db: Queryable): Promise<number> {
      const { rows } = await db.query<{ seconds: number }>(
        `select extract(epoch from ${TODAY} + 1 - (clock_timestamp() at time zone 'UTC'))::float8 as seconds`,
      );
      return Math.max(1, Math.ceil(rows[0]!.seconds));
    },
  };
}
export type SentCodeRows = ReturnType<typeof createSentCodeRows>;
