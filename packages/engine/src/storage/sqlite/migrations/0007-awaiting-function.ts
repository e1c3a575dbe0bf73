export const AWAITING_FUNCTION = `-- breaking: no
-- Runs that wait for a worker with a function, which their texts name, urgent and old ones first.
create index runs_awaiting_function on runs (tenant, waiting_on, priority, id)
where waiting_on ->> '$.function' is not null;
`;
