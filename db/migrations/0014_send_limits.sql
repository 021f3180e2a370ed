-- Up Migration

-- By the first code that was accepted from this user.
alter table users add column confirmed_at timestamptz;

-- What a code was sent for, and how its message is written.
alter table codes
  add column action bytea,                       -- a MAC of it: whoever checks the code has to name the same
  add column action_message bytea,               -- sealed
  add column locale text not null default 'en';

-- When something that may be done so often in a time was done: codes sent to a phone, guesses of a user.
create table recent_acts (
  tenant_id uuid not null references tenants (id),
  subject bytea not null,                        -- a MAC of what is limited, and of the phone or user
  at timestamptz[] not null,
  last_at timestamptz not null,
  constraint recent_acts_once primary key (tenant_id, subject)
);
create index recent_acts_age on recent_acts (last_at);

-- How many codes a tenant sent on a day (UTC): to a country, and to all of them.
create table sent_codes (
  tenant_id uuid not null references tenants (id),
  country text not null,                         -- ISO 3166; 'ZZ' where it is not known, '' for all countries
  day date not null,
  sent integer not null,
  constraint sent_codes_once primary key (tenant_id, country, day)
);
create index sent_codes_age on sent_codes (day);

alter table tenants add column send_limits jsonb not null default '{}'; -- those that differ from domain/sendLimits.ts
