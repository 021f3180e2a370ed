import type { Pool } from 'pg';

/** Puts events before a tenant's counter, at those times, as if they had been recorded then. Oldest first. */
export async function putEvents(
  pool: Pool,
  tenantId: string,
  events: readonly {
    type: string;
    at: Date;
    userId?: string;
    deviceId?: string;
    approvalId?: string;
    onboardingId?: string;
    data?: object;
  }[],
): Promise<void> {
  await pool.query(
    `with counter as (
       insert into event_counters (tenant_id, last_number) values ($1, $2)
       on conflict (tenant_id) do update set last_number = event_counters.last_number + $2
       returning last_number - $2 as before
     )
     insert into events (tenant_id, number, type, user_id, device_id, approval_id, onboarding_id, data, at)
     select $1, before + position, e.type, e."userId", e."deviceId", e."approvalId", e."onboardingId",
            coalesce(e.data, '{}'), e.at
       from counter, rows from (
         jsonb_to_recordset($3::jsonb)
           as (type text, "userId" uuid, "deviceId" uuid, "approvalId" uuid, "onboardingId" uuid, data jsonb,
               at timestamptz)
       ) with ordinality as e (type, "userId", "deviceId", "approvalId", "onboardingId", data, at, position)`,
    [tenantId, events.length, JSON.stringify(events)],
  );
}
