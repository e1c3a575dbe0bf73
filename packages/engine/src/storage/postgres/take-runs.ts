// Takes those of the found runs that are still as found, and reads all that is needed to go on, in one flight. Several
// are weighed first: what is too much for one call stays as it is.
import type { NodeId, RunId } from "@millrace/protocol";
import { Cursor, type Cell, type Row } from "../rows/cells.ts";
import { decodeHeldRun, ENTRY_COLUMNS, RUN_COLUMNS } from "../rows/row-codec.ts";
import type { DueRun, Held } from "../storage.ts";
import { MOST_TAKEN_CHARACTERS } from "../take-budget.ts";
import { Batch, unnest, type ColumnKind } from "./arrays.ts";
import type { Database } from "./database.ts";
import { mark, orFenced } from "./mark.ts";
import { bind, nowOr, statement, type Statement } from "./statement.ts";

const KINDS: readonly ColumnKind[] = ["text", "text", "small", "big"];
const FOUND = `${unnest(KINDS)} u(tenant, run, shard, fence)`;

// What a run waited for is over: it moves.
const TAKE = statement(
  "take_runs",
  `update millrace.runs r
set owner = $5, fence = r.fence + 1, due_at = null, waiting_on = null, status = 'running',
  started_at = coalesce(r.started_at, ${nowOr("$6")})
from ${FOUND}
where r.tenant = u.tenant and r.id = u.run and r.shard = u.shard and r.fence = u.fence and r.owner is null`,
);

// Also those that an earlier call took whose answer was lost: they have the fence that this call would have given.
const IS_TAKEN =
  "r.tenant = u.tenant and r.id = u.run and r.shard = u.shard and r.fence = u.fence + 1 and r.owner is not distinct from $5";

const of = (row: string, columns: string): string => columns.replaceAll(/\w+/g, `${row}.$&`);

const READ_RUNS = statement(
  "read_taken",
  `select ${of("r", RUN_COLUMNS)} from ${FOUND} join millrace.runs r on ${IS_TAKEN}`,
);

const READ_JOURNALS = statement(
  "read_taken_journals",
  `select j.tenant, j.run, ${of("j", ENTRY_COLUMNS)}
from ${FOUND}
join millrace.runs r on ${IS_TAKEN}
join millrace.journal j on j.tenant = u.tenant and j.run = u.run and j.shard = u.shard
order by j.tenant, j.run, j.sequence`,
);

const READ_INBOXES = statement(
  "read_taken_inboxes",
  `select i.tenant, i.run, i.id, i.body
from ${FOUND}
join millrace.runs r on ${IS_TAKEN}
join millrace.inbox i on i.tenant = u.tenant and i.run = u.run and i.shard = u.shard and i.consumed = 0
order by i.tenant, i.run, i.arrival`,
);

const WEIGH_RUNS = statement(
  "weigh_runs",
  `select r.tenant, r.id, octet_length(r.input)
from ${FOUND} join millrace.runs r on r.tenant = u.tenant and r.id = u.run and r.shard = u.shard`,
);

// The length of a text stands beside it: none is read for this.
const weighRows = (table: "journal" | "inbox", isRead = ""): Statement =>
  statement(
    `weigh_${table}`,
    `select t.tenant, t.run, sum(octet_length(t.body))
from ${FOUND} join millrace.${table} t on t.tenant = u.tenant and t.run = u.run and t.shard = u.shard${isRead}
group by t.tenant, t.run, t.shard`,
  );
const WEIGH_JOURNALS = weighRows("journal");
const WEIGH_INBOXES = weighRows("inbox", " and t.consumed = 0");

/** @throws {MillraceError} storage.fenced-node, and what `pg` throws */
export async function takeRuns(
  database: Database,
  node: NodeId,
  due: readonly DueRun[],
  now: number | null,
): Promise<readonly Held[]> {
  const arrays = toArrays(due);
  const light = due.length < 2 ? arrays : toArrays(await leaveHeavy(database, due, arrays));
  try {
    const [, , runs = [], journals = [], inboxes = []] = await database.fly("claim", [
      mark(database, node, now),
      bind(TAKE, ...light, node, now),
      // Of all: an earlier call may have taken more, whose answer was lost.
      bind(READ_RUNS, ...arrays, node),
      bind(READ_JOURNALS, ...arrays, node),
      bind(READ_INBOXES, ...arrays, node),
    ]);
    return toHeld(due, runs, groupByRun(journals), groupByRun(inboxes));
  } catch (error) {
    throw orFenced(error, node);
  }
}

/** @returns those that one call reads, in the order of `due` */
async function leaveHeavy(
  database: Database,
  due: readonly DueRun[],
  arrays: Arrays,
): Promise<readonly DueRun[]> {
  const weights = new Map<string, number>();
  const statements = [WEIGH_RUNS, WEIGH_JOURNALS, WEIGH_INBOXES];
  const found = await database.fly(
    "claim",
    statements.map((it) => bind(it, ...arrays)),
  );
  for (const [tenant, run, weight] of found.flat()) {
    const place = placeOf(tenant, run);
    weights.set(place, (weights.get(place) ?? 0) + Number(weight));
  }
  let total = 0;
  return due.filter(({ tenant, runId }) => {
    const isLight = total < MOST_TAKEN_CHARACTERS;
    total += weights.get(placeOf(tenant, runId)) ?? 0;
    return isLight;
  });
}

type Arrays = ReturnType<Batch["toArrays"]>;

function toArrays(due: readonly DueRun[]): Arrays {
  const batch = new Batch(...KINDS);
  for (const { tenant, runId, shard, fence } of due.toSorted(byId))
    batch.add([tenant, runId, shard, fence]);
  return batch.toArrays();
}

/** Two nodes that take the same runs lock them in the same order. */
const byId = (a: { readonly runId: RunId }, b: { readonly runId: RunId }): number =>
  a.runId < b.runId ? -1 : a.runId > b.runId ? 1 : 0;

type ByRun = ReadonlyMap<string, readonly Row[]>;

/** The rows without their first two columns, tenant and run. */
function groupByRun(rows: readonly Row[]): ByRun {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const place = placeOf(row[0], row[1]);
    const group = groups.get(place);
    if (group === undefined) groups.set(place, [row.slice(2)]);
    else group.push(row.slice(2));
  }
  return groups;
}

const placeOf = (tenant: Cell | undefined, run: Cell | undefined): string =>
  `${String(tenant)}\n${String(run)}`;

/** In the order of `due`. */
function toHeld(
  due: readonly DueRun[],
  rows: readonly Row[],
  journals: ByRun,
  inboxes: ByRun,
): readonly Held[] {
  // `RUN_COLUMNS` begins with tenant and id.
  const runs = new Map(rows.map((row) => [placeOf(row[0], row[1]), row]));
  return due.flatMap(({ tenant, runId }) => {
    const place = placeOf(tenant, runId);
    const run = runs.get(place);
    if (run === undefined) return [];
    const cellsOf = (rows: ByRun): Cursor => new Cursor((rows.get(place) ?? []).flat());
    return [decodeHeldRun(new Cursor(run), cellsOf(journals), cellsOf(inboxes))];
  });
}
