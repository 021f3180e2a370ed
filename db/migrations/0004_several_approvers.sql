-- Up Migration

alter table approvals
  add column veto boolean not null default false, -- one denial decides
  add column requested_by uuid references users (id);

-- A person who was removed while the approval was open: the answer stays, and does not count.
alter table approvers
  add column withdrawn_at timestamptz,
  add column withdrawn_after integer,            -- how many answers had been judged before
  add constraint approvers_withdrawn_at_some_place check ((withdrawn_at is null) = (withdrawn_after is null));

-- The order in which answers were judged: two may come in the same millisecond. Until now there was one at most.
alter table answers add column position integer not null default 1;
alter table answers alter column position drop default;

alter table simulator_messages
  add column about text not null default 'asked'
    constraint simulator_messages_about_known check (about in ('asked', 'decided'));
