// One row a key and category. Its time of expiry moves by the hour only, so that all other updates leave its indexes
// alone.
const TEXT = 'text collate "C"';

export const KEY_WINDOWS: string = `-- breaking: no
create table millrace.key_windows (
  tenant ${TEXT} not null,
  key ${TEXT} not null,
  category ${TEXT} not null,
  second bigint not null,
  counts bigint[] not null,
  granted bigint not null,
  expires_at bigint not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index key_windows_expiring on millrace.key_windows (expires_at);
alter table millrace.key_windows add primary key (tenant, key, category);
`;
