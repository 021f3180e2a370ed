-- Up Migration

-- How often it was made due by hand: what an attempt from before that met does not settle it.
alter table deliveries add column redeliveries integer not null default 0;
