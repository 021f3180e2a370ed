import type { Queryable, Tx } from './transaction';

/** How often something may be done, in any time of this length. */
export interface Pace {
  most: number;
  withinSeconds: number;
  /** So long after the one before; 0 for at once. */
  pauseSeconds: number;
}

const isOver = (row: string) => `${row}.last_at + $5 * interval '1 second'`;
const SPAN = `$3 * interval '1 second'`;

/**
 * What may be done so often in a time: each of these times ends at now, none begins at the hour. A subject that is a MAC
 * comes under every key of the ring, the current one first: acts are noted under that one, and counted under all.
 */
export function createRecentActRows() {
  return {
    /** Counts an act in one statement: of any number at once, no more than the pace allows get true. */
    async take(tx: Tx, tenantId: string, subjects: readonly Buffer[], pace: Pace): Promise<boolean> {
      const [subject, ...others] = subjects;
      // While the ring is turned, other processes note the same acts under other keys, in rows of their own.
      if (others.length > 0) await holdAll(tx, subjects);
      const { rowCount } = await tx.query(
        `with other as (
           select count(*) as acts, max(one) as last_at from recent_acts, unnest(at) one
            where tenant_id = $1 and subject = any($6) and one > clock_timestamp() - ${SPAN}
         )
         insert into recent_acts as kept (tenant_id, subject, at, last_at)
         select $1, $2, array[now], now from clock_timestamp() now, other
          where other.acts < $4 and ($5 = 0 or ${isOver('other')} <= now) is not false
         on conflict on constraint recent_acts_once do update
            set at = array(select one from unnest(kept.at) one where one > excluded.last_at - ${SPAN}) || excluded.last_at,
                last_at = greatest(kept.last_at, excluded.last_at)
          where (select count(*) from unnest(kept.at) one where one > excluded.last_at - ${SPAN})
                + (select acts from other) < $4
            and ($5 = 0 or ${isOver('kept')} <= excluded.last_at)`,
        [tenantId, subject, pace.withinSeconds, pace.most, pace.pauseSeconds, others],
      );
      return rowCount === 1;
    },

    /** In how many seconds the next one may be done, at least 1. */
    async secondsUntilNext(db: Queryable, tenantId: string, subjects: readonly Buffer[], pace: Pace): Promise<number> {
      const { rows } = await db.query<{ seconds: number | null }>(
        `with acts as (select one from recent_acts, unnest(at) one where tenant_id = $1 and subject = any($2))
         select extract(epoch from greatest(
                  (select max(one) from acts) + $5 * interval '1 second',
                  (select one from acts order by one desc offset greatest($4 - 1, 0) limit 1) + ${SPAN}
                ) - clock_timestamp())::float8 as seconds`,
        [tenantId, subjects, pace.withinSeconds, pace.most, pace.pauseSeconds],
      );
      // Nothing was done, and nothing may be.
      return Math.max(1, Math.ceil(rows[0]?.seconds ?? pace.withinSeconds));
    },
  };
}
export type RecentActRows = ReturnType<typeof createRecentActRows>;

/** Until the end of the transaction; in one order, whichever key is the current one. */
const holdAll = (tx: Tx, subjects: readonly Buffer[]) =>
  tx.query(`select pg_advisory_xact_lock(key) from unnest($1::bigint[]) key order by key`, [
    subjects.map((subject) => subject.readBigInt64BE(0).toString()),
  ]);
