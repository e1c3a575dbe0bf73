// ?1 tenant, ?2 what a run has for `waiting_on` that waits for the function, ?3 limit. Index runs_awaiting_function, in its
// order; that of ids is that of creation. A run that is taken waits for nothing, so none of these has an owner.
import { encodeAwaitedFunction } from "../rows/row-codec.ts";
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { flatten } from "./take-runs.ts";

const TEXT = `
select tenant, id, shard, fence
from runs indexed by runs_awaiting_function
where tenant = ?1 and waiting_on = ?2 and waiting_on ->> '$.function' is not null
order by priority, id
limit ?3`;

export interface AwaitedFunction {
  readonly tenant: string;
  readonly function: string;
  readonly limit: number;
}

/** @returns tenant, run, shard and fence, one run after the other */
export function prepareReadAwaitingFunction(database: Database): (asked: AwaitedFunction) => Row {
  const read = database.prepare(TEXT);
  return ({ tenant, function: name, limit }) =>
    flatten(read, [tenant, encodeAwaitedFunction(name), limit]);
}
