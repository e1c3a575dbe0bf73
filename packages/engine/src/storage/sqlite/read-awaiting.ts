// ?1 tenant, ?2 workflow, ?3 version, ?4 limit. Index runs_awaiting, in its order; that of ids is that of creation. A
// run that is taken waits for nothing, so none of these has an owner.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { flatten } from "./take-runs.ts";

const TEXT = `
select tenant, id, shard, fence
from runs indexed by runs_awaiting
where tenant = ?1 and workflow = ?2 and workflow_version = ?3 and waiting_on ->> '$.kind' = 'worker'
order by priority, id
limit ?4`;

export interface AwaitedVersion {
  readonly tenant: string;
  readonly workflow: string;
  readonly version: number;
  readonly limit: number;
}

/** @returns tenant, run, shard and fence, one run after the other */
export function prepareReadAwaiting(database: Database): (asked: AwaitedVersion) => Row {
  const read = database.prepare(TEXT);
  return ({ tenant, workflow, version, limit }) =>
    flatten(read, [tenant, workflow, version, limit]);
}
