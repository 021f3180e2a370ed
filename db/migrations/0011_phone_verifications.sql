-- Up Migration

-- Whether somebody has a phone, proved by a code that was sent to it. Its digits are derived from the id, not stored.
create table phone_verifications (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  phone bytea not null,                          -- sealed E.164
  phone_index bytea not null,                    -- blind index, for look-up
  channel text not null constraint phone_verifications_channel_known check (channel in ('sms', 'voice')),
  locale text not null,
  code_length integer not null
    constraint phone_verifications_length_in_range check (code_length between 4 and 10),
  custom_code bytea,                             -- sealed; where the tenant chose the code
  status text not null default 'pending'
    constraint phone_verifications_status_known check (status in ('pending', 'verified', 'expired')),
  attempts integer not null default 0            -- wrong ones
    constraint phone_verifications_five_attempts check (attempts between 0 and 5),
  round integer not null default 1,              -- raised by each further message, which brings the same code
  delivery_state text not null default 'waiting' -- of the newest message
    constraint phone_verifications_delivery_state_known check (delivery_state in ('waiting', 'sent', 'failed')),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  closed_at timestamptz,
  workflow_due_at timestamptz,                   -- by when we must have heard from its workflow
  feedback text constraint phone_verifications_feedback_known check (feedback in ('received', 'not-received')),
  feedback_at timestamptz,                       -- when it was first given
  feedback_changed_at timestamptz,
  constraint phone_verifications_closed_or_pending check ((status = 'pending') = (closed_at is null))
);
create unique index phone_verifications_one_pending on phone_verifications (tenant_id, phone_index)
  where status = 'pending';
create index phone_verifications_of_phone on phone_verifications (tenant_id, phone_index, created_at desc);
create index phone_verifications_workflow_due on phone_verifications (workflow_due_at)
  where workflow_due_at is not null;
create index phone_verifications_age on phone_verifications (expires_at);
