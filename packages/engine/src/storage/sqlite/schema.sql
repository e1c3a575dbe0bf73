create table audit (
  tenant text not null,
  at integer not null,
  key text,
  address text,
  action text not null,
  target text not null
) strict;

create index audit_by_tenant on audit (tenant);

create table catalog (
  tenant text not null,
  kind text not null,
  id text not null,
  slug text,
  revision integer not null,
  created_at integer not null,
  updated_at integer not null,
  body text not null,
  primary key (tenant, kind, id)
) strict;

create unique index catalog_slugs on catalog (tenant, kind, slug) where slug is not null;

create table event_deliveries (
  tenant text not null,
  name text not null,
  event text not null,
  run text not null,
  key text not null,
  shard integer not null,
  run_shard integer not null,
  place integer,
  expires_at integer not null,
  primary key (tenant, name, event, run, key, shard)
) strict, without rowid;

create index event_deliveries_expiring on event_deliveries (expires_at);

create table events (
  tenant text not null,
  name text not null,
  id text not null,
  shard integer not null,
  data text not null,
  published_at integer not null,
  expires_at integer not null,
  primary key (tenant, name, id, shard)
) strict;

create index events_by_time on events (tenant, name, published_at);

create index events_expiring on events (expires_at);

create table history (
  tenant text not null,
  id text not null,
  shard integer not null,
  status text not null,
  fence integer not null,
  workspace text,
  user_id text,
  workflow text not null,
  workflow_version integer not null,
  name text,
  trigger_type text not null,
  priority integer not null,
  parent_run text,
  parent_step text,
  depth integer not null,
  caller text,
  created_at integer not null,
  deadline_at integer,
  started_at integer,
  finished_at integer not null,
  cancel_requested_at integer,
  expires_on integer,
  metadata text not null,
  input text not null,
  result text,
  journal text not null, retry_of text,
  primary key (tenant, id, shard)
) strict;

create index history_by_workflow on history (tenant, workflow, id);

create index history_expiring on history (expires_on) where expires_on is not null;

create index history_names on history (tenant, name, id) where name is not null;

create index history_unsuccessful on history (tenant, status, id) where status <> 'completed';

create index history_unsuccessful_by_workflow on history (tenant, workflow, status, id)
where status <> 'completed';

create table inbox (
  tenant text not null,
  run text not null,
  id text not null,
  shard integer not null,
  arrival integer not null,
  consumed integer not null,
  body text not null,
  primary key (tenant, run, id, shard)
) strict, without rowid;

create index inbox_waiting on inbox (tenant, run, arrival) where consumed = 0;

create table journal (
  tenant text not null,
  run text not null,
  sequence integer not null,
  shard integer not null,
  fence integer not null,
  kind text not null,
  key text,
  attempt integer,
  position integer not null,
  started_at integer not null,
  ended_at integer not null,
  body text not null,
  primary key (tenant, run, sequence, shard)
) strict, without rowid;

create table keys (
  tenant text not null,
  scope text not null,
  key text not null,
  shard integer not null,
  run text not null,
  payload_hash text not null,
  expires_at integer not null,
  primary key (tenant, scope, key, shard)
) strict, without rowid;

create index keys_expiring on keys (expires_at);

create table migrations (
  id integer not null primary key,
  name text not null,
  breaking integer not null,
  applied_at integer not null
) strict;

create table nodes (
  id text not null primary key,
  host text not null,
  pid integer not null,
  joined_at integer not null,
  lease_until integer not null
) strict, without rowid;

create table outbox (
  tenant text not null,
  run text not null,
  id text not null,
  shard integer not null,
  to_tenant text not null,
  to_run text not null,
  to_shard integer not null,
  kind text not null,
  body text not null,
  primary key (tenant, run, id, shard)
) strict;

create table runs (
  tenant text not null,
  id text not null,
  shard integer not null,
  status text not null,
  owner text,
  fence integer not null,
  wake integer not null,
  due_at integer,
  recoveries integer not null,
  cancel_requested_at integer,
  started_at integer,
  workspace text,
  user_id text,
  workflow text not null,
  workflow_version integer not null,
  name text,
  trigger_type text not null,
  priority integer not null,
  parent_run text,
  parent_step text,
  depth integer not null,
  caller text,
  created_at integer not null,
  deadline_at integer,
  gate text,
  waiting_on text,
  metadata text not null,
  input text not null, retry_of text,
  primary key (tenant, id, shard),
  check (owner is null or due_at is null)
) strict, without rowid;

create index runs_awaiting on runs (tenant, workflow, workflow_version, priority, id)
where waiting_on ->> '$.kind' = 'worker';

create index runs_awaiting_function on runs (tenant, waiting_on, priority, id)
where waiting_on ->> '$.function' is not null;

create index runs_by_workflow on runs (tenant, workflow, id);

create index runs_due on runs (priority, due_at, id) where due_at is not null;

create unique index runs_names on runs (tenant, name, shard) where name is not null;

create index runs_owned on runs (owner) where owner is not null;

create table slots (
  tenant text not null,
  key text not null,
  run text not null,
  shard integer not null,
  primary key (tenant, key, run, shard)
) strict, without rowid;

create table subscriptions (
  tenant text not null,
  name text not null,
  run text not null,
  key text not null,
  shard integer not null,
  run_shard integer,
  since integer not null,
  until integer,
  ended integer not null,
  event text,
  expires_at integer,
  primary key (tenant, name, run, key, shard)
) strict, without rowid;

create index subscriptions_expiring on subscriptions (expires_at) where expires_at is not null;

create index subscriptions_waiting on subscriptions (tenant, name, since, run, key) where ended = 0;
