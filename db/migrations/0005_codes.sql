-- Up Migration

-- The ways in which a user can be asked for a second factor.
create table user_methods (
  tenant_id uuid not null references tenants (id),
  user_id uuid not null references users (id),
  method text not null constraint user_methods_method_known check (method in ('push', 'sms', 'voice', 'totp')),
  enabled_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  constraint user_methods_once primary key (user_id, method)
);

-- The newest code of a user for each purpose. Its digits are derived from id and generation, not stored.
create table codes (
  id uuid not null constraint codes_id_once unique,
  tenant_id uuid not null references tenants (id),
  user_id uuid not null references users (id),
  purpose text not null constraint codes_purpose_known check (purpose in ('login', 'onboarding')),
  generation integer not null default 1,         -- raised by each code: the one before is worth nothing then
  channel text not null constraint codes_channel_known check (channel in ('sms', 'voice')),
  length integer not null constraint codes_length_in_range check (length between 4 and 10),
  attempts integer not null default 0            -- of this generation
    constraint codes_five_attempts check (attempts between 0 and 5),
  state text not null default 'open' constraint codes_state_known check (state in ('open', 'accepted')),
  delivery_state text not null default 'waiting'
    constraint codes_delivery_state_known check (delivery_state in ('waiting', 'sent', 'failed')),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  workflow_due_at timestamptz,                   -- by when we must have heard from its workflow
  constraint codes_one_a_purpose primary key (user_id, purpose)
);
create index codes_workflow_due on codes (workflow_due_at) where workflow_due_at is not null;
create index codes_age on codes (expires_at);

-- How often a user's codes were guessed in the hour that began with the first guess: codes of all purposes, and TOTP.
create table code_windows (
  user_id uuid constraint code_windows_one_a_user primary key references users (id),
  tenant_id uuid not null references tenants (id),
  window_started_at timestamptz not null,
  attempts integer not null constraint code_windows_ten_attempts check (attempts between 0 and 10)
);
create index code_windows_age on code_windows (window_started_at);

create table totp_secrets (
  user_id uuid constraint totp_secrets_one_a_user primary key references users (id),
  id uuid not null constraint totp_secrets_id_once unique, -- another with each new secret
  tenant_id uuid not null references tenants (id),
  secret bytea not null,                         -- sealed
  last_step bigint not null default 0,           -- the newest step whose code was accepted; no step counts twice
  created_at timestamptz not null default clock_timestamp(),
  confirmed_at timestamptz                       -- by its first accepted code
);
create index totp_secrets_age on totp_secrets (created_at) where confirmed_at is null;

-- Text messages and calls of the simulated carrier.
alter table simulator_messages
  add column kind text not null default 'push'
    constraint simulator_messages_kind_known check (kind in ('push', 'sms', 'voice')),
  add column recipient bytea,                    -- sealed E.164
  add column text bytea,                         -- sealed
  alter column device_id drop not null,
  alter column approval_id drop not null,
  alter column about drop not null,
  alter column about drop default,
  add constraint simulator_messages_push_or_text check (
    case kind when 'push' then num_nulls(device_id, approval_id, about) = 0 and num_nonnulls(recipient, text) = 0
              else num_nonnulls(device_id, approval_id, about) = 0 and num_nulls(recipient, text) = 0 end);
alter table simulator_messages alter column kind drop default;
