-- Up Migration

create table webhook_endpoints (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  url bytea not null,                            -- sealed: URLs carry secrets of their owners
  description text not null default '',
  event_types text[],                            -- null: all
  secret bytea not null,                         -- sealed whsec_…
  previous_secret bytea,                         -- sealed; signs as well until then
  previous_secret_until timestamptz,
  state text not null default 'enabled'
    constraint webhook_endpoints_state_known check (state in ('enabled', 'disabled')),
  disabled_reason text,
  failing_since timestamptz,                     -- no delivery has succeeded since
  rest_until timestamptz,                        -- told nothing until then: it asked for that, or is not well
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  removed_at timestamptz
);
create index webhook_endpoints_of_tenant on webhook_endpoints (tenant_id, created_at) where removed_at is null;

-- One row per event and endpoint, written with the event; and one per callback that was kept.
alter table deliveries
  drop constraint deliveries_kind_known,
  add constraint deliveries_kind_known check (kind in ('callback', 'event')),
  add column target text,                        -- what is drained together: an endpoint, or one callback
  add column endpoint_id uuid references webhook_endpoints (id),
  add column event_number bigint,
  add column attempts integer not null default 0, -- all of them
  add column tries integer not null default 0,    -- those since it was last made due by hand
  add column delivered_at timestamptz;
update deliveries set target = 'callback-' || approval_id::text;
alter table deliveries alter column target set not null;
drop index deliveries_due;
-- What is overdue is asked for endpoint by endpoint, so that the backlog of a disabled one costs nothing.
create index deliveries_callbacks_due on deliveries (due_at) where state = 'due' and kind = 'callback';
create index deliveries_of_target on deliveries (tenant_id, target, due_at) where state = 'due';
create index deliveries_of_endpoint on deliveries (endpoint_id, event_number desc) where endpoint_id is not null;
create index deliveries_age on deliveries (delivered_at) where state = 'delivered';

-- What each attempt met.
create table delivery_attempts (
  delivery_id text not null references deliveries (id) on delete cascade,
  number integer not null,
  at timestamptz not null default clock_timestamp(),
  status integer,                                -- of the reply; null: there was none
  error text,                                    -- a short reason, never a part of a body or a URL
  took_ms integer not null,
  constraint delivery_attempts_once primary key (delivery_id, number)
);

create index events_by_type on events (tenant_id, type, number);
create index events_by_time on events (tenant_id, at);
create index events_of_user on events (tenant_id, user_id, number) where user_id is not null;
