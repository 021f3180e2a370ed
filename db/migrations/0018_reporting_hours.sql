-- Up Migration

-- Reports by hour and day are counted in an index of their own. Events of one hour have equal keys there, which are
-- stored once, with six bytes for each event. It leaves out what the Authy API is not told: how confirmations of
-- onboardings were answered.
alter table events add column hour timestamptz
  generated always as (date_bin('1 hour', at, timestamptz '1970-01-01T00:00:00Z')) stored;
create index events_by_hour on events (tenant_id, type, hour, channel)
  where onboarding_id is null or type not in ('approval_approved', 'approval_denied');

-- Nothing but the index tells which those are. Where there is no onboarding it costs nothing.
drop index events_by_type;
create index events_by_type on events (tenant_id, type, number) include (at, channel, onboarding_id);
