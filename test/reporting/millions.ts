import { Client } from 'pg';

export interface Millions {
  events: number;
  usersPerTenant: number;
  /** All events lie in the year before this instant. */
  until: Date;
}

/** How often each type comes, out of a hundred: a year of logins, mostly approved on a phone, some by code. */
const OUT_OF_A_HUNDRED: Readonly<Record<string, number>> = {
  approval_created: 22,
  approval_answered: 20,
  approval_approved: 18,
  approval_denied: 2,
  approval_expired: 2,
  code_sent: 14,
  code_accepted: 12,
  user_created: 2,
  registration_token_created: 2,
  device_registered: 1,
  device_registration_complete: 1,
  onboarding_started: 1,
  method_chosen: 1,
  two_factor_enabled: 1,
  user_removed: 1,
};

const DAYS = 365;
const CHUNK = 1_000_000;

/** A user's, device's or approval's id, which both tables can compute. */
const uuidOf = (text: string) => `md5(${text})::uuid`;

/**
 * Fills an empty database of ours by SQL: tenants with their users, and events of a year in the order of time, as they
 * would lie there. The first tenant has three of ten events, the others the same share each. Users have no phone, and of
 * approvals there are the events alone.
 */
export async function generateMillions(
  databaseUrl: string,
  tenantIds: readonly string[],
  size: Millions,
  say: (line: string) => void,
): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    // Without the check of each row that its tenant exists.
    await client.query(`set session_replication_role = replica`);
    await client.query(`set maintenance_work_mem = '512MB'`);

    await client.query(
      `insert into users (id, tenant_id, external_id, created_at)
       select ${uuidOf(`'user' || t.position || '/' || n`)}, t.id, 'user-' || n, $2::timestamptz - interval '${DAYS} days'
         from unnest($1::uuid[]) with ordinality as t (id, position), generate_series(0, $3::int - 1) n`,
      [tenantIds, size.until, size.usersPerTenant],
    );
    say('users are there');

    const { rows: indexes } = await client.query<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
         from pg_index where indrelid = 'events'::regclass and not indisprimary`,
    );
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    const types = Object.entries(OUT_OF_A_HUNDRED).flatMap(([type, times]) => Array<string>(times).fill(type));
    for (let from = 0; from < size.events; from += CHUNK) {
      await client.query(EVENTS, [
        tenantIds,
        from,
        Math.min(from + CHUNK, size.events) - 1,
        size.until,
        size.events,
        types,
        size.usersPerTenant,
      ]);
      say(`${Math.min(from + CHUNK, size.events)} events`);
    }
    for (const { name, definition } of indexes) {
      await client.query(definition);
      say(`index ${name}`);
    }
    await client.query(
      `insert into event_counters (tenant_id, last_number) select tenant_id, max(number) from events group by 1
       on conflict (tenant_id) do update set last_number = excluded.last_number`,
    );
    // What autovacuum does in time.
    await client.query(`vacuum (analyze) events`);
    await client.query(`vacuum (analyze) users`);
    await client.query(`checkpoint`);
  } finally {
    await client.end();
  }
}

// Of every ten events three are the first tenant's; the other seven go round.
const EVENTS = `
  with placed as (
    select g, case when g % 10 < 3 then 0 else 1 + ((g / 10) * 7 + g % 10 - 3) % (cardinality($1::uuid[]) - 1) end as tenant,
           case when g % 10 < 3 then (g / 10) * 3 + g % 10
                else ((g / 10) * 7 + g % 10 - 3) / (cardinality($1::uuid[]) - 1) end + 1 as number,
           ($6::text[])[1 + floor(random() * 100)::int] as type,
           floor(random() * $7::int)::int as person
      from generate_series($2::bigint, $3::bigint) g
  )
  insert into events (tenant_id, number, type, user_id, device_id, approval_id, data, at)
  select ($1::uuid[])[tenant + 1], number, type,
         case when type not in ('approval_approved', 'approval_denied', 'approval_expired')
              then ${uuidOf(`'user' || (tenant + 1) || '/' || person`)} end,
         case when type = 'approval_answered' or type like 'device%'
              then ${uuidOf(`'device' || (tenant + 1) || '/' || person`)} end,
         case when type like 'approval%' then ${uuidOf(`'approval' || g`)} end,
         case when type = 'code_sent' and person % 10 = 0 then '{"channel":"voice","purpose":"login"}'::jsonb
              when type like 'code%' then '{"channel":"sms","purpose":"login"}'::jsonb
              when type like 'approval%' then '{"mode":"login"}'::jsonb else '{}'::jsonb end,
         $4::timestamptz - interval '${DAYS} days' + g * (interval '${DAYS} days' / $5::bigint)
    from placed`;
