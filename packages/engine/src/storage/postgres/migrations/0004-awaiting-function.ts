// Runs that wait for a worker with a function, which their texts name, urgent and old ones first.
export const AWAITING_FUNCTION: string = `-- breaking: no
create index runs_awaiting_function on millrace.runs (tenant, waiting_on, priority, id)
where waiting_on like '{"kind":"worker","function"%';
`;
