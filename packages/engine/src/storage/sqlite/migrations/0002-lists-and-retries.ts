export const LISTS_AND_RETRIES = `-- breaking: no
-- The failed or cancelled run whose results a run took over.
alter table runs add column retry_of text;
alter table history add column retry_of text;

-- Newest first by workflow, and by status where few have it: nearly all finished runs are completed,
-- so a list of those reads the primary key, and a start or an end writes no more than one index.
create index runs_by_workflow on runs (tenant, workflow, id);
create index history_by_workflow on history (tenant, workflow, id);
create index history_unsuccessful on history (tenant, status, id) where status <> 'completed';
create index history_unsuccessful_by_workflow on history (tenant, workflow, status, id)
where status <> 'completed';
`;
