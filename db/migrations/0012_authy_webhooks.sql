-- Up Migration

-- The names of an endpoint that was registered by the Authy API, as they were written: it is told in that dialect. Its
-- event_types are ours behind these names, `code_sent:voice` for those about one channel only.
alter table webhook_endpoints add column authy_events text[];

-- How a tenant's application looks to people, as its back end set it.
create table brandings (
  tenant_id uuid not null constraint brandings_one_a_tenant primary key references tenants (id),
  background_color text,
  main_logo bytea,                               -- PNG
  sidebar_logo bytea                             -- PNG
);
