import type { Pool } from 'pg';

/** An onboarding as the database shows it, with all that belongs to it at the same time. */
export interface OnboardingRow {
  id: string;
  userId: string;
  status: string;
  reason: string | null;
  method: string | null;
  createdAtMs: number;
  expiresAtMs: number;
  closedAtMs: number | null;
  /** How many text messages with its link there may be. */
  linkRound: number;
  /** Its events, in their order. */
  events: readonly { type: string; method?: string; deviceId?: string }[];
  /** The approvals by which it is confirmed: at most one. */
  confirmations: readonly { id: string; status: string }[];
  /** The text messages that carry its link, by their ids. */
  links: readonly string[];
  /** The devices of its user, also those that were removed. */
  devices: readonly string[];
  isUserRemoved: boolean;
  /** What its user has. */
  methods: readonly string[];
}

/** All onboardings of a tenant, the oldest first. */
export async function readOnboardingRows(database: Pool, tenantId: string): Promise<OnboardingRow[]> {
  const { rows } = await database.query<
    Omit<OnboardingRow, 'createdAtMs' | 'expiresAtMs' | 'closedAtMs'> & { created: Date; expires: Date; closed: Date }
  >(
    `select o.id, o.user_id as "userId", o.status, o.reason, o.method, o.created_at as created, o.expires_at as expires,
            o.closed_at as closed, o.link_round as "linkRound", u.removed_at is not null as "isUserRemoved",
            (select coalesce(json_agg(json_strip_nulls(json_build_object(
                      'type', e.type, 'method', e.data->>'method', 'deviceId', e.device_id)) order by e.number), '[]')
               from events e where e.onboarding_id = o.id) as events,
            (select coalesce(json_agg(json_build_object('id', a.id, 'status', a.status)), '[]')
               from approvals a where a.onboarding_id = o.id) as confirmations,
            (select coalesce(json_agg(m.id), '[]') from simulator_messages m
              where m.tenant_id = o.tenant_id and m.kind = 'sms' and position(o.id::text in m.id) > 0) as links,
            (select coalesce(json_agg(d.id), '[]') from devices d where d.user_id = o.user_id) as devices,
            (select coalesce(json_agg(h.method), '[]') from user_methods h where h.user_id = o.user_id) as methods
       from onboardings o join users u on u.id = o.user_id
      where o.tenant_id = $1
      order by o.created_at, o.id`,
    [tenantId],
  );
  return rows.map(({ created, expires, closed, ...row }) => ({
    ...row,
    createdAtMs: created.getTime(),
    expiresAtMs: expires.getTime(),
    closedAtMs: closed?.getTime() ?? null,
  }));
}

/** True when none is open, and nobody is asked to confirm one. */
export async function nothingIsOpen(database: Pool, tenantId: string): Promise<boolean> {
  const { rows } = await database.query<{ settled: boolean }>(
    `select not exists (select from onboardings where tenant_id = $1 and closed_at is null)
        and not exists (select from approvals
                         where tenant_id = $1 and onboarding_id is not null and status = 'pending') as settled`,
    [tenantId],
  );
  return rows[0]!.settled;
}
