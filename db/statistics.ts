import type { Queryable } from './transaction';

/** What happened at a tenant in one month of UTC. */
export interface MonthlyStatistics {
  /** Its first day, `2026-11-01`. */
  month: string;
  smsCount: number;
  callsCount: number;
  usersCount: number;
  authsCount: number;
  /** Everything that was recorded. */
  actsCount: number;
}

interface Row {
  month: string;
  sms_count: number;
  calls_count: number;
  users_count: number;
  auths_count: number;
  acts_count: number;
}

const toStatistics = (row: Row): MonthlyStatistics => ({
  month: row.month,
  smsCount: row.sms_count,
  callsCount: row.calls_count,
  usersCount: row.users_count,
  authsCount: row.auths_count,
  actsCount: row.acts_count,
});

const MESSAGES = `type in ('code_sent', 'phone_verification_sent') and data ->> 'channel' =`;

/** Counts the events of a tenant since the last month that is kept. */
const COUNTED = `
  with since as (
    select coalesce(max(month) + interval '1 month', '-infinity') as day from monthly_statistics where tenant_id = $1
  ), counted as (
    select date_trunc('month', at at time zone 'UTC')::date as month,
           count(*) filter (where ${MESSAGES} 'sms' or type = 'install_link_sent')::int as sms_count,
           count(*) filter (where ${MESSAGES} 'voice')::int as calls_count,
           count(*) filter (where type = 'user_created')::int as users_count,
           count(*) filter (where type in ('code_accepted', 'approval_approved', 'phone_verification_accepted'))::int
             as auths_count,
           count(*)::int as acts_count
      from events
     where tenant_id = $1 and at >= (select day at time zone 'UTC' from since)
     group by 1
  )`;

/** How much a tenant did, month by month. */
export function createStatisticsRows() {
  return {
    /** Keeps the months that have been over for an hour: whatever was written in them is committed. */
    async keepClosedMonths(db: Queryable, tenantId: string): Promise<void> {
      await db.query(
        `${COUNTED}
         insert into monthly_statistics (tenant_id, month, sms_count, calls_count, users_count, auths_count, acts_count)
         select $1, month, sms_count, calls_count, users_count, auths_count, acts_count from counted
          where (month + interval '1 month') at time zone 'UTC' < clock_timestamp() - interval '1 hour'
         on conflict (tenant_id, month) do nothing`,
        [tenantId],
      );
    },

    /** The newest months in which something happened, oldest first. */
    async listMonths(db: Queryable, tenantId: string, most: number): Promise<MonthlyStatistics[]> {
      const { rows } = await db.query<Row>(
        `${COUNTED}, months as (
           select month, sms_count, calls_count, users_count, auths_count, acts_count
             from monthly_statistics where tenant_id = $1
           union all
           select * from counted
         ), newest as (select * from months order by month desc limit $2)
         select month::text, sms_count, calls_count, users_count, auths_count, acts_count from newest order by month`,
        [tenantId, most],
      );
      return rows.map(toStatistics);
    },

    async countUsers(db: Queryable, tenantId: string): Promise<number> {
      const { rows } = await db.query<{ count: number }>(
        `select count(*)::int as count from users where tenant_id = $1 and removed_at is null`,
        [tenantId],
      );
      return rows[0]!.count;
    },
  };
}
export type StatisticsRows = ReturnType<typeof createStatisticsRows>;
