import type { Pool } from 'pg';
import type { MonthlyStatistics, StatisticsRows } from '../db/statistics';

/** As many months as the Authy API told. */
const MONTHS = 12;

/** How much a tenant does. */
export function createStatistics(pool: Pool, rows: StatisticsRows) {
  return {
    /** The last twelve months in which something happened, oldest first, and how many users there are now. */
    async ofTenant(tenantId: string): Promise<{ months: MonthlyStatistics[]; totalUsers: number }> {
      await rows.keepClosedMonths(pool, tenantId);
      const [months, totalUsers] = await Promise.all([
        rows.listMonths(pool, tenantId, MONTHS),
        rows.countUsers(pool, tenantId),
      ]);
      return { months, totalUsers };
    },
  };
}
export type Statistics = ReturnType<typeof createStatistics>;
