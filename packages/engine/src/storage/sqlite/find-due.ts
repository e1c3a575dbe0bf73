// ?1 priority, ?2 now, ?3 limit, ?4 shards as a JSON array or null for all. Index runs_due, one
// bounded scan a priority class: a backlog in one class costs the others nothing. No locks.
import type { Cell, Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";

const SHARDS = "(?4 is null or shard in (select value from json_each(?4)))";

const DUE = `
select tenant, id, shard, fence
from runs
where priority = ?1 and due_at <= ?2 and ${SHARDS}
order by due_at, id
limit ?3`;

// `limit ?3` is 1 here; the parameters keep their numbers.
const NEXT = `
select due_at
from runs
where priority = ?1 and due_at > ?2 and ${SHARDS}
order by due_at
limit ?3`;

export interface DueCells {
  /** Tenant, run, shard, fence, one run after the other. */
  readonly runs: Row;
  readonly nextDueAt: number | null;
}

export interface DueRequest {
  /** All classes, the one served first in front. */
  readonly priorities: readonly number[];
  readonly shards: string | null;
  readonly limit: number;
  readonly now: number;
}

export function prepareFindDue(database: Database): (request: DueRequest) => DueCells {
  const due = database.prepare(DUE);
  const next = database.prepare(NEXT);
  return ({ priorities, shards, limit, now }) => {
    const runs: Cell[] = [];
    let left = limit;
    for (const priority of priorities) {
      if (left <= 0) break;
      const found = due.all(priority, now, left, shards);
      for (const row of found) runs.push(...row);
      left -= found.length;
    }
    if (left <= 0) return { runs, nextDueAt: null };
    const times = priorities.flatMap((priority) => next.get(priority, now, 1, shards) ?? []);
    const instants = times.filter((time) => typeof time === "number");
    return { runs, nextDueAt: instants.length === 0 ? null : Math.min(...instants) };
  };
}
