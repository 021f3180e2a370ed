-- Up Migration

alter table api_keys
  add column scopes text[],                      -- null: all
  add column mac_key_id text,                    -- the master key of key_mac; null: not known until the key is used
  add column last_used_on date;                  -- UTC

-- Partial, so that writing it does not hold the row against everybody who refers to the tenant.
alter table tenants
  add column authy_api_key bytea,                -- sealed: it signs, so it has to be read again
  add column authy_api_key_index bytea;          -- blind index, for look-up
create unique index tenants_authy_api_key_once on tenants (authy_api_key_index) where authy_api_key_index is not null;
