/**
 * Enough of everything that the planner must choose between ways to it: runs that move, sleep and are due, on nodes
 * that live and that are gone, and many that have ended. No table has more than 30,000 rows, of which `analyze` sees each:
 * so every database that is filled so has the same statistics.
 */
export const FILL: string = `
insert into millrace.nodes (id, host, pid, joined_at, lease_until)
select 'node_' || n, 'bench', n, 0, 4000000000000 from generate_series(1, 4) n;

insert into millrace.runs (
  tenant, id, shard, workflow, workflow_version, trigger_type, priority, depth, created_at, metadata, input, name,
  status, owner, fence, wake, due_at, recoveries, waiting_on
)
select 'default', 'run_' || lpad(n::text, 26, '0'), n % 256, 'wf_' || n % 10, 1, 'api', n % 4, 0, n, '{}', '1',
  case when n % 10 = 0 then 'name ' || n end, 'running', case when n % 3 = 0 then 'node_' || n % 5 end, 1, 0,
  case when n % 3 = 1 then n end, 0, case when n % 30 = 2 then '{"kind":"worker","workflow":"w","version":"1"}' end
from generate_series(1, 10000) n;

insert into millrace.journal (
  tenant, run, sequence, shard, fence, kind, key, attempt, position, started_at, ended_at, body
)
select r.tenant, r.id, s, r.shard, 1, 'result', 'k' || s, 1, 0, 0, 0, '1'
from millrace.runs r cross join generate_series(1, 2) s;

insert into millrace.inbox (tenant, run, id, shard, arrival, consumed, body)
select r.tenant, r.id, 'm1', r.shard, 1, r.created_at % 2, '{}' from millrace.runs r where r.created_at % 4 < 2;

insert into millrace.outbox (tenant, run, id, shard, sent_at, place, to_tenant, to_run, to_shard, kind, body)
select 'default', 'run_' || lpad((n % 100)::text, 26, '0'), 'm' || n, n % 100, n, n, 'default', 'r', 1, 'message', '{}'
from generate_series(1, 2000) n;

insert into millrace.history (
  tenant, id, shard, workflow, workflow_version, trigger_type, priority, depth, created_at, metadata, input, name,
  fence, status, finished_at, journal
)
select 'default', 'run_' || lpad(n::text, 26, '0'), n % 256, 'wf_' || n % 10, 1, 'api', 1, 0, n, '{}', '1',
  case when n % 10 = 0 then 'name ' || n end, 1, case when n % 500 = 0 then 'failed' else 'completed' end, n, '[]'
from generate_series(10001, 30000) n;

insert into millrace.keys (tenant, scope, key, shard, run, payload_hash, expires_at)
select 'default', 'wf_' || n % 10, 'k' || n, n % 256, 'r', 'h', 4000000000000 + n from generate_series(1, 20000) n;

insert into millrace.event_names (tenant, name, shard, touched)
select 'default', 'event ' || n, n % 256, 0 from generate_series(1, 200) n;

insert into millrace.events (tenant, name, id, shard, place, data, published_at, expires_at)
select 'default', 'event ' || n % 200, 'e' || n, n % 200, n, '{}', n, 4000000000000 + n from generate_series(1, 20000) n;

insert into millrace.event_deliveries (tenant, name, event, run, key, shard, run_shard, place, expires_at)
select 'default', 'event ' || n % 200, 'e' || n, 'run_' || n, 'k', n % 200, 1, 1, 4000000000000 + n
from generate_series(1, 20000) n;

insert into millrace.subscriptions (tenant, name, run, key, shard, since, ended)
select 'default', 'event ' || n % 200, 'run_' || n, 'k', n % 200, n, n % 2 from generate_series(1, 20000) n;

insert into millrace.catalog (tenant, kind, id, slug, revision, created_at, updated_at, body)
select 'default', 'workflow', 'wf_' || n, 'slug ' || n, 1, 0, 0, '{}' from generate_series(1, 3000) n;

analyze;
`;
