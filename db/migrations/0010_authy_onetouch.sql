-- Up Migration

-- Where a tenant's approvals that are asked for in the Authy dialect are called back.
alter table tenants
  add column authy_callback_url bytea,           -- sealed
  add column authy_callback_method text not null default 'POST'
    constraint tenants_authy_callback_method_known check (authy_callback_method in ('GET', 'POST'));

-- The integer that clients of the Authy API know a device by.
alter table devices
  add column authy_id integer generated always as identity (start with 1000) constraint devices_authy_id_once unique;

alter table approvals
  add column one_touch bytea,                    -- sealed JSON: how it was asked for in the Authy dialect
  add column repeat_key text;                    -- a MAC of all that was asked: an equal one soon after is a repeat
create index approvals_repeated on approvals (tenant_id, repeat_key, created_at) where repeat_key is not null;
