-- Up Migration

-- Names of constraints say the rule; db/violations.ts turns them into refusals.

create table tenants (
  id uuid primary key,
  name text not null constraint tenants_name_once unique,
  signing_key bytea not null,                    -- sealed; signs callbacks
  created_at timestamptz not null default clock_timestamp()
);

-- One row a tenant: the last number given to an event. Raised by the last statement of a transaction, so that numbers
-- become visible in their order and a cursor never skips a late commit.
create table event_counters (
  tenant_id uuid primary key references tenants (id),
  last_number bigint not null default 0
);

create table api_keys (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  key_mac bytea not null constraint api_keys_once unique,
  hint text not null,                            -- the first characters, to tell keys apart
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz
);

-- The keys of this installation that seal evidence.
create table installation_keys (
  id text primary key,
  private_jwk bytea not null,                    -- sealed
  public_jwk jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  retired_at timestamptz
);
create unique index installation_keys_one_current on installation_keys ((true)) where retired_at is null;

create table users (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  authy_id integer generated always as identity (start with 1000) constraint users_authy_id_once unique,
  external_id text,
  phone bytea,                                   -- sealed E.164
  phone_index bytea,                             -- blind index, for look-up
  email bytea,                                   -- sealed
  -- In milliseconds, as cursors of lists carry it.
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  removed_at timestamptz
);
create unique index users_external_id_once on users (tenant_id, external_id) where removed_at is null;
create unique index users_phone_once on users (tenant_id, phone_index) where removed_at is null;
create index users_newest on users (tenant_id, created_at desc, id desc) where removed_at is null;

-- Who said "not me" is left in peace for a while. Not a column of users: answers hold their user's row for share.
create table push_mutes (
  user_id uuid primary key references users (id),
  tenant_id uuid not null references tenants (id),
  until timestamptz not null
);

create table registration_tokens (
  id uuid primary key,                           -- the secret is derived from it, not stored
  tenant_id uuid not null references tenants (id),
  user_id uuid not null references users (id),
  expires_at timestamptz not null,
  device_id uuid                                 -- set by the one registration it allows
);

create table devices (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  user_id uuid not null references users (id),
  name text not null,
  platform text not null,
  public_jwk jsonb not null,
  thumbprint text not null constraint devices_public_key_once unique,
  registration_proof text not null,
  push_kind text not null default 'none',
  push_token bytea,                              -- sealed
  created_at timestamptz not null default clock_timestamp(),
  removed_at timestamptz
);
create index devices_of_user on devices (tenant_id, user_id, created_at);

-- Proofs that changing calls of devices have used up.
create table device_proofs (
  device_id uuid not null references devices (id),
  jti text not null,
  used_at timestamptz not null default clock_timestamp(),
  constraint device_proofs_once primary key (device_id, jti)
);
create index device_proofs_age on device_proofs (used_at);

create table approvals (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  mode text not null constraint approvals_mode_known check (mode in ('login', 'transaction')),
  required integer not null constraint approvals_required_positive check (required > 0),
  status text not null default 'pending'
    constraint approvals_status_known check (status in ('pending', 'approved', 'denied', 'expired', 'cancelled')),
  reason text,
  shown bytea not null,                          -- sealed; the exact string that devices receive
  shown_digest text not null,
  hidden_details bytea,                          -- sealed JSON
  nonce text not null,
  callback_url bytea,                            -- sealed
  callback_state text not null default 'none'
    constraint approvals_callback_state_known check (callback_state in ('none', 'waiting', 'delivered', 'failed')),
  push_by text not null constraint approvals_push_by_known check (push_by in ('us', 'none')),
  push_state text not null default 'none'
    constraint approvals_push_state_known check (push_state in ('none', 'waiting', 'sent', 'failed', 'muted')),
  push_round integer not null default 0,         -- raised by each resend
  created_at timestamptz not null,
  expires_at timestamptz not null,
  decided_at timestamptz,
  workflow_due_at timestamptz,                   -- by when we must have heard from its workflow
  constraint approvals_decided_or_pending check ((status = 'pending') = (decided_at is null))
);
create index approvals_newest on approvals (tenant_id, created_at desc, id desc);
create index approvals_workflow_due on approvals (workflow_due_at) where workflow_due_at is not null;

create table approvers (
  approval_id uuid not null references approvals (id),
  user_id uuid not null references users (id),
  tenant_id uuid not null references tenants (id),
  position integer not null,
  decision text constraint approvers_decision_known check (decision in ('approved', 'denied')),
  constraint approvers_once primary key (approval_id, user_id)
);
create index approvers_of_user on approvers (tenant_id, user_id, approval_id);

-- The one answer of each person that counted.
create table answers (
  approval_id uuid not null references approvals (id),
  user_id uuid not null references users (id),
  tenant_id uuid not null references tenants (id),
  device_id uuid not null references devices (id),
  decision text not null constraint answers_decision_known check (decision in ('approved', 'denied')),
  reason text,
  jws text not null,
  received_at timestamptz not null,
  constraint answers_one_per_person primary key (approval_id, user_id)
);

create table events (
  tenant_id uuid not null references tenants (id),
  number bigint not null,
  type text not null,
  user_id uuid,
  device_id uuid,
  approval_id uuid,
  data jsonb not null default '{}',
  at timestamptz not null default clock_timestamp(),
  constraint events_number_once primary key (tenant_id, number)
);
create index events_of_approval on events (approval_id) where approval_id is not null;

-- What could not be told to a tenant's endpoint in time and is kept for later.
create table deliveries (
  id text primary key,                           -- the webhook-id that was and will be sent
  tenant_id uuid not null references tenants (id),
  approval_id uuid references approvals (id),
  kind text not null constraint deliveries_kind_known check (kind in ('callback')),
  state text not null default 'due' constraint deliveries_state_known check (state in ('due', 'delivered', 'dead')),
  last_error text,
  created_at timestamptz not null default clock_timestamp(),
  due_at timestamptz
);
create index deliveries_due on deliveries (due_at) where state = 'due';

create table idempotency_keys (
  tenant_id uuid not null references tenants (id),
  key text not null,
  request_digest text not null,                  -- of route, path and body
  status integer not null,
  reply bytea not null,                          -- sealed
  created_at timestamptz not null default clock_timestamp(),
  constraint idempotency_keys_once primary key (tenant_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- The simulated carrier of the development stack: what phones received.
create table simulator_messages (
  id text primary key,                           -- the idempotency key of the push: a second one is dropped
  tenant_id uuid not null references tenants (id),
  device_id uuid not null,
  approval_id uuid not null,
  at timestamptz not null default clock_timestamp()
);
create index simulator_messages_newest on simulator_messages (tenant_id, at desc);
