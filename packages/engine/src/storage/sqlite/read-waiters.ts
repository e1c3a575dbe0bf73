// ?1 tenant, ?2 name, ?3 now, ?4 limit. subscriptions_waiting.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { flatten } from "./take-runs.ts";

const TEXT = `
select run, key, since, until from subscriptions indexed by subscriptions_waiting
where tenant = ?1 and name = ?2 and ended = 0 and (until is null or until > ?3)
order by since, run, key
limit ?4`;

export interface WaiterPage {
  readonly tenant: string;
  readonly event: string;
  readonly limit: number;
}

/** @returns run, key, since and until, one waiter after the other */
export function prepareReadWaiters(database: Database): (page: WaiterPage, now: number) => Row {
  const read = database.prepare(TEXT);
  return ({ tenant, event, limit }, now) => flatten(read, [tenant, event, now, limit]);
}
