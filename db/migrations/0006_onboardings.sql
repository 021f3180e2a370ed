-- Up Migration

-- How long an onboarding lasts, and when it reminds, where a call does not say so.
alter table tenants
  add column onboarding_seconds integer not null default 86400
    constraint tenants_onboarding_seconds_in_range check (onboarding_seconds between 10 and 86400),
  add column reminder_seconds integer not null default 3600
    constraint tenants_reminder_seconds_in_range check (reminder_seconds between 1 and 86400);

-- One attempt to enable two-factor authentication.
create table onboardings (
  id uuid primary key,                           -- the secret of its install link is derived from it, not stored
  tenant_id uuid not null references tenants (id),
  user_id uuid not null references users (id),
  method text constraint onboardings_method_known check (method in ('push', 'sms', 'voice', 'totp')),
  status text not null constraint onboardings_status_known check (
    status in ('waiting_for_method', 'waiting_for_device', 'waiting_for_confirmation', 'waiting_for_code',
               'enabled', 'expired', 'cancelled')),
  reason text,                                   -- why it was cancelled
  own_app boolean not null,                      -- the tenant brings the registration token to its own app
  device_id uuid references devices (id),        -- the one that was registered for it
  approval_id uuid references approvals (id),    -- the confirmation
  link_state text not null default 'none'
    constraint onboardings_link_state_known check (link_state in ('none', 'waiting', 'sent', 'failed')),
  link_round integer not null default 0,         -- raised by each text message with the link
  created_at timestamptz not null,
  expires_at timestamptz not null,
  remind_at timestamptz,                         -- null once it has reminded, and where it never does
  closed_at timestamptz,
  workflow_due_at timestamptz,                   -- by when we must have heard from its workflow
  constraint onboardings_closed_or_waiting check ((status like 'waiting%') = (closed_at is null))
);
create unique index onboardings_one_open on onboardings (tenant_id, user_id) where closed_at is null;
create index onboardings_of_user on onboardings (tenant_id, user_id, created_at desc, id desc);
create index onboardings_workflow_due on onboardings (workflow_due_at) where workflow_due_at is not null;

alter table approvals add column onboarding_id uuid references onboardings (id); -- it confirms this one
alter table registration_tokens add column onboarding_id uuid references onboardings (id);

alter table events add column onboarding_id uuid;
create index events_of_onboarding on events (onboarding_id) where onboarding_id is not null;
