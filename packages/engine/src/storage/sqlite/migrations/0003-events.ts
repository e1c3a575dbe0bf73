export const EVENTS = `-- breaking: yes
-- With rowid: of two that were published in the same millisecond, the first is the older one.
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

-- Whom an event has reached. Place: among those who waited when it was published; null: it looked back.
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

-- Operations that wait for an event, and those that have waited: a late repeat must find out. Run shard null: the
-- operation did not wait any more when its subscription had not come yet.
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

create index subscriptions_waiting on subscriptions (tenant, name, since, run, key) where ended = 0;
create index subscriptions_expiring on subscriptions (expires_at) where expires_at is not null;
`;
