-- Up Migration

-- Authy ids that back ends bring along are kept. Those that we give begin above what Authy itself has ever given, so that
-- both do not meet in practice; and one that is taken nevertheless is passed over.
alter table users alter column authy_id drop identity;
create sequence users_authy_ids as integer minvalue 1000 start with 1500000000 cycle owned by users.authy_id;

create function next_authy_id() returns integer language plpgsql volatile as $$
declare
  candidate integer;
begin
  loop
    candidate := nextval('users_authy_ids');
    exit when not exists (select from users where authy_id = candidate);
  end loop;
  return candidate;
end
$$;

alter table users alter column authy_id set default next_authy_id();
