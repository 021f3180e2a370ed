-- Up Migration

-- Digits that a device shows: its secret, sealed, from the first time that it asks for it until it is removed, and the
-- last step whose digits were accepted.
alter table devices
  add column totp_secret bytea,
  add column totp_last_step bigint not null default 0;

-- A push that asks for those digits is about no approval.
alter table simulator_messages
  drop constraint simulator_messages_about_known,
  add constraint simulator_messages_about_known check (about in ('asked', 'decided', 'code')),
  drop constraint simulator_messages_push_or_text,
  add constraint simulator_messages_push_or_text check (
    case kind when 'push' then num_nulls(device_id, about) = 0 and (approval_id is null) = (about = 'code')
                               and num_nonnulls(recipient, text) = 0
              else num_nonnulls(device_id, approval_id, about) = 0 and num_nulls(recipient, text) = 0 end);
