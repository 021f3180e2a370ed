-- Up Migration

-- What clients of the Authy API know a tenant by, and how its calls behave.
alter table tenants
  add column authy_app_id integer generated always as identity (start with 1000)
    constraint tenants_authy_app_id_once unique,
  add column switches jsonb not null default '{}', -- those that differ from domain/switches.ts
  add column app_api_key bytea,                  -- sealed; names the tenant in calls of the dashboard API
  add column app_api_key_index bytea,            -- blind index, for look-up
  add column api_signing_key bytea;              -- sealed; signs these calls
create unique index tenants_app_api_key_once on tenants (app_api_key_index) where app_api_key_index is not null;

create table access_keys (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  key bytea not null,                            -- sealed
  created_at timestamptz not null default clock_timestamp()
);
create index access_keys_of_tenant on access_keys (tenant_id, created_at, id);

-- The person came with a token of the tenant's own (a QR code), and the tenant waits for the device.
alter table registration_tokens add column by_account_token boolean not null default false;

-- What happened in each month that is over: events do not change any more, so they are counted once.
create table monthly_statistics (
  tenant_id uuid not null references tenants (id),
  month date not null,                           -- its first day, UTC
  sms_count integer not null,
  calls_count integer not null,
  users_count integer not null,
  auths_count integer not null,
  acts_count integer not null,                   -- all events
  constraint monthly_statistics_once primary key (tenant_id, month)
);
