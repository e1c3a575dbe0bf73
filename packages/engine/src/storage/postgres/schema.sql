create table millrace.audit (
  tenant text collate "C" not null,
  sequence bigint not null,
  at bigint not null,
  key text collate "C",
  address text collate "C",
  action text collate "C" not null,
  target text collate "C" not null,
  constraint audit_pkey PRIMARY KEY (tenant, sequence)
);

create index audit_by_time ON millrace.audit USING btree (at);

create table millrace.catalog (
  tenant text collate "C" not null,
  kind text collate "C" not null,
  id text collate "C" not null,
  slug text collate "C",
  revision integer not null,
  created_at bigint not null,
  updated_at bigint not null,
  body text collate "C" not null,
  constraint catalog_pkey PRIMARY KEY (tenant, kind, id)
);

create unique index catalog_slugs ON millrace.catalog USING btree (tenant, kind, slug) WHERE (slug IS NOT NULL);

create table millrace.event_deliveries (
  tenant text collate "C" not null,
  name text collate "C" not null,
  event text collate "C" not null,
  run text collate "C" not null,
  key text collate "C" not null,
  shard smallint not null,
  run_shard smallint not null,
  place integer,
  expires_at bigint not null,
  constraint event_deliveries_pkey PRIMARY KEY (tenant, name, event, run, key, shard)
);

create index event_deliveries_expiring ON millrace.event_deliveries USING btree (expires_at);

create table millrace.event_names (
  tenant text collate "C" not null,
  name text collate "C" not null,
  shard smallint not null,
  touched bigint not null,
  constraint event_names_pkey PRIMARY KEY (tenant, name, shard)
) with (fillfactor=50);

create table millrace.events (
  tenant text collate "C" not null,
  name text collate "C" not null,
  id text collate "C" not null,
  shard smallint not null,
  place bigint not null,
  data text collate "C" not null,
  published_at bigint not null,
  expires_at bigint not null,
  constraint events_pkey PRIMARY KEY (tenant, name, id, shard)
);

create index events_by_time ON millrace.events USING btree (tenant, name, published_at, place);

create index events_expiring ON millrace.events USING btree (expires_at);

create table millrace.history (
  tenant text collate "C" not null,
  id text collate "C" not null,
  shard smallint not null,
  workspace text collate "C",
  user_id text collate "C",
  workflow text collate "C" not null,
  workflow_version integer not null,
  trigger_type text collate "C" not null,
  priority smallint not null,
  parent_run text collate "C",
  parent_step text collate "C",
  retry_of text collate "C",
  depth integer not null,
  caller text collate "C",
  created_at bigint not null,
  deadline_at bigint,
  metadata text collate "C" not null,
  input text collate "C" not null,
  name text collate "C",
  fence bigint not null,
  status text collate "C" not null,
  started_at bigint,
  finished_at bigint not null,
  cancel_requested_at bigint,
  expires_on bigint,
  result text collate "C",
  journal text collate "C" not null,
  constraint history_pkey PRIMARY KEY (tenant, id, shard)
) with (autovacuum_vacuum_scale_factor=0.05);

create index history_by_workflow ON millrace.history USING btree (tenant, workflow, id);

create index history_expiring ON millrace.history USING btree (expires_on) WHERE (expires_on IS NOT NULL);

create index history_names ON millrace.history USING btree (tenant, name, id) WHERE (name IS NOT NULL);

create index history_unsuccessful ON millrace.history USING btree (tenant, status, id) WHERE (status <> 'completed'::text);

create index history_unsuccessful_by_workflow ON millrace.history USING btree (tenant, workflow, status, id) WHERE (status <> 'completed'::text);

create table millrace.inbox (
  tenant text collate "C" not null,
  run text collate "C" not null,
  id text collate "C" not null,
  shard smallint not null,
  arrival bigint not null,
  consumed smallint not null,
  body text collate "C" not null,
  constraint inbox_pkey PRIMARY KEY (tenant, run, id, shard)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

create index inbox_waiting ON millrace.inbox USING btree (tenant, run, arrival) WHERE (consumed = 0);

create table millrace.journal (
  tenant text collate "C" not null,
  run text collate "C" not null,
  sequence integer not null,
  shard smallint not null,
  fence bigint not null,
  kind text collate "C" not null,
  key text collate "C",
  attempt integer,
  "position" integer not null,
  started_at bigint not null,
  ended_at bigint not null,
  body text collate "C" not null,
  constraint journal_pkey PRIMARY KEY (tenant, run, sequence, shard)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=5000);

create table millrace.key_windows (
  tenant text collate "C" not null,
  key text collate "C" not null,
  category text collate "C" not null,
  second bigint not null,
  counts bigint[] not null,
  granted bigint not null,
  expires_at bigint not null,
  constraint key_windows_pkey PRIMARY KEY (tenant, key, category)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=1000);

create index key_windows_expiring ON millrace.key_windows USING btree (expires_at);

create table millrace.keys (
  tenant text collate "C" not null,
  scope text collate "C" not null,
  key text collate "C" not null,
  shard smallint not null,
  run text collate "C" not null,
  payload_hash text collate "C" not null,
  expires_at bigint not null,
  constraint keys_pkey PRIMARY KEY (tenant, scope, key, shard)
);

create index keys_expiring ON millrace.keys USING btree (expires_at);

create table millrace.migrations (
  id integer not null,
  name text not null,
  breaking boolean not null,
  applied_at timestamp with time zone not null,
  constraint migrations_pkey PRIMARY KEY (id)
);

create table millrace.nodes (
  id text collate "C" not null,
  host text collate "C" not null,
  pid integer not null,
  joined_at bigint not null,
  lease_until bigint not null,
  constraint nodes_pkey PRIMARY KEY (id)
) with (fillfactor=50);

create table millrace.outbox (
  tenant text collate "C" not null,
  run text collate "C" not null,
  id text collate "C" not null,
  shard smallint not null,
  sent_at bigint not null,
  place bigint not null,
  to_tenant text collate "C" not null,
  to_run text collate "C" not null,
  to_shard smallint not null,
  kind text collate "C" not null,
  body text collate "C" not null,
  constraint outbox_pkey PRIMARY KEY (tenant, run, id, shard)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=1000);

create index outbox_by_age ON millrace.outbox USING btree (sent_at, place);

create table millrace.runs (
  tenant text collate "C" not null,
  id text collate "C" not null,
  shard smallint not null,
  workspace text collate "C",
  user_id text collate "C",
  workflow text collate "C" not null,
  workflow_version integer not null,
  trigger_type text collate "C" not null,
  priority smallint not null,
  parent_run text collate "C",
  parent_step text collate "C",
  retry_of text collate "C",
  depth integer not null,
  caller text collate "C",
  created_at bigint not null,
  deadline_at bigint,
  metadata text collate "C" not null,
  input text collate "C" not null,
  name text collate "C",
  status text collate "C" not null,
  owner text collate "C",
  fence bigint not null,
  wake bigint not null,
  due_at bigint,
  recoveries integer not null,
  waiting_on text collate "C",
  cancel_requested_at bigint,
  started_at bigint,
  gate text collate "C",
  constraint runs_check CHECK (((owner IS NULL) OR (due_at IS NULL))),
  constraint runs_pkey PRIMARY KEY (tenant, id, shard)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

create index runs_awaiting ON millrace.runs USING btree (tenant, workflow, workflow_version, priority, id) WHERE (waiting_on ~~ '{"kind":"worker"%'::text);

create index runs_awaiting_function ON millrace.runs USING btree (tenant, waiting_on, priority, id) WHERE (waiting_on ~~ '{"kind":"worker","function"%'::text);

create index runs_by_workflow ON millrace.runs USING btree (tenant, workflow, id);

create index runs_due ON millrace.runs USING btree (priority, due_at, id) WHERE (due_at IS NOT NULL);

create unique index runs_names ON millrace.runs USING btree (tenant, name, shard) WHERE (name IS NOT NULL);

create index runs_owned ON millrace.runs USING btree (owner) WHERE (owner IS NOT NULL);

create table millrace.slots (
  tenant text collate "C" not null,
  key text collate "C" not null,
  run text collate "C" not null,
  shard smallint not null,
  constraint slots_pkey PRIMARY KEY (tenant, key, run, shard)
);

create table millrace.subscriptions (
  tenant text collate "C" not null,
  name text collate "C" not null,
  run text collate "C" not null,
  key text collate "C" not null,
  shard smallint not null,
  run_shard smallint,
  since bigint not null,
  until bigint,
  ended smallint not null,
  event text collate "C",
  expires_at bigint,
  constraint subscriptions_pkey PRIMARY KEY (tenant, name, run, key, shard)
);

create index subscriptions_expiring ON millrace.subscriptions USING btree (expires_at) WHERE (expires_at IS NOT NULL);

create index subscriptions_waiting ON millrace.subscriptions USING btree (tenant, name, since, run, key) WHERE (ended = 0);
