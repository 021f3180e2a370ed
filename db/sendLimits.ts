import { SEND_LIMITS } from '../domain/sendLimits';
import type { SendLimitChange, SendLimits } from '../domain/sendLimits';
import type { Queryable } from './transaction';

/** How many codes tenants may send. Those that they changed are kept with them. */
export const createSendLimitRows = () => ({
  async readSendLimits(db: Queryable, tenantId: string): Promise<SendLimits> {
    const { rows } = await db.query<{ send_limits: Partial<SendLimits> }>(
      `select send_limits from tenants where id = $1`,
      [tenantId],
    );
    return { ...SEND_LIMITS, ...rows[0]?.send_limits };
  },

  /** Changes those that are given, and of the countries those that are named. */
  async setSendLimits(db: Queryable, tenantId: string, { countries = {}, ...others }: SendLimitChange): Promise<void> {
    await db.query(
      `update tenants
          set send_limits = send_limits || $2 || jsonb_build_object('countries',
                jsonb_strip_nulls(coalesce(send_limits->'countries', '{}') || $3))
        where id = $1`,
      [tenantId, others, countries],
    );
  },
});
