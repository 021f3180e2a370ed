-- Up Migration

-- How many questions in the Authy dialect one user may have that are open, or came within an hour and were not approved.
alter table tenants add column most_unapproved integer not null default 20
  constraint tenants_most_unapproved_in_range check (most_unapproved between 1 and 10000);
