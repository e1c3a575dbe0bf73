// ?1 tenant, ?2 what runs have for `waiting_on` that wait for these functions, as JSON. Index runs_awaiting_function, once
// for each, however many wait.
import { encodeAwaitedFunction } from "../rows/row-codec.ts";
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { flatten } from "./take-runs.ts";

const TEXT = `
select value from json_each(?2)
where exists (
  select 1 from runs indexed by runs_awaiting_function
  where tenant = ?1 and waiting_on = value and waiting_on ->> '$.function' is not null
)`;

export interface AwaitedFunctions {
  readonly tenant: string;
  readonly functions: readonly string[];
}

/** @returns what runs wait for, one text after the other */
export function prepareReadAwaitedFunctions(database: Database): (asked: AwaitedFunctions) => Row {
  const read = database.prepare(TEXT);
  return ({ tenant, functions }) =>
    flatten(read, [tenant, JSON.stringify(functions.map(encodeAwaitedFunction))]);
}
