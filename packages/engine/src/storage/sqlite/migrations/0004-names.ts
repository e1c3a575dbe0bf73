export const NAMES = `-- breaking: yes
-- Names that callers chose: unique among live runs, and found again in history, newest first.
create unique index runs_names on runs (tenant, name, shard) where name is not null;
create index history_names on history (tenant, name, id) where name is not null;
`;
