export const AWAITING = `-- breaking: no
-- Runs that wait for a worker, by what it must offer, urgent and old ones first.
create index runs_awaiting on runs (tenant, workflow, workflow_version, priority, id)
where waiting_on ->> '$.kind' = 'worker';
`;
