import type { Queryable, Tx } from './transaction';

/** How often something may be done, in any time of this length. */
export interface Pace {
  most: number;
  withinSeconds: number;
  /** So long after the one before; 0 for at once. */
  pauseSeconds: number;
}

const SPAN = `$3 * interval '1 second'`;

/** What may be done so often in a time: each of these times ends at now, none begins at the hour. */
export function createRecentActRows() {
  return {
    /** Counts an act in one statement: of any number at once, no more than the pace allows get true. */
    async take(tx: Tx, tenantId: string, subject: Buffer, pace: Pace): Promise<boolean> {
      const { rowCount } = await tx.query(
        `insert into recent_acts as kept (tenant_id, subject, at, last_at)
         select $1, $2, array[now], now from clock_timestamp() now
         on conflict on constraint recent_acts_once do update
            set at = array(select one from unnest(kept.at) one where one > excluded.last_at - ${SPAN}) || excluded.last_at,
                last_at = greatest(kept.last_at, excluded.last_at)
          where (select count(*) from unnest(kept.at) one where one > excluded.last_at - ${SPAN}) < $4
            and ($5 = 0 or kept.last_at + $5 * interval '1 second' <= excluded.last_at)`,
        [tenantId, subject, pace.withinSeconds, pace.most, pace.pauseSeconds],
      );
      return rowCount === 1;
    },

    /** In how many seconds the next one may be done, at least 1. */
    async secondsUntilNext(db: Queryable, tenantId: string, subject: Buffer, pace: Pace): Promise<number> {
      const { rows } = await db.query<{ seconds: number | null }>(
        `select extract(epoch from greatest(
                  last_at + $5 * interval '1 second',
                  (select one from unnest(at) one order by one desc offset $4 - 1 limit 1) + ${SPAN}
                ) - clock_timestamp())::float8 as seconds
           from recent_acts where tenant_id = $1 and subject = $2`,
        [tenantId, subject, pace.withinSeconds, pace.most, pace.pauseSeconds],
      );
      return Math.max(1, Math.ceil(rows[0]?.seconds ?? 1));
    },
  };
}
export type RecentActRows = ReturnType<typeof createRecentActRows>;
