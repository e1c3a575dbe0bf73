// $1 tenant, $2 from (inclusive) and $3 before (exclusive), of ids; $4 workflow, $5 statuses, $6 trigger, $7 members of
// metadata, $8 workspace, $9 user; null: any. $10 limit; $11 how many rows to pass over, where a floor is looked for.
//
// A list is read from up to three places, each in the order of an index, and merged: live runs, and finished ones by
// primary key, by workflow, or by a status that few have. What no index knows (trigger, metadata, workspace, user) is
// compared row by row, so a call first looks where the `SCANNED_ROWS`th row of each such place stands, and reads no
// further: the caller goes on there. One statement, so one snapshot: a run that ends meanwhile would else be shown
// twice, or not at all. Which places are read decides the text; there are at most 54.
import type { FinishedStatus, RunId, RunStatus } from "@millrace/protocol";
import { Cursor } from "../rows/cells.ts";
import { decodeSummary } from "../rows/row-codec.ts";
import { toIdRange, type RunFilter } from "../run-filter.ts";
import type { Query, RunPage } from "../storage.ts";
import { encodeArray } from "./arrays.ts";
import { ask } from "./ask.ts";
import type { Database } from "./database.ts";
import { bind, statement, type Parameter, type Statement } from "./statement.ts";

type RunListRequest = Omit<Extract<Query, { kind: "runs" }>, "kind">;

/** Bounds what one call costs. As SQLite has it. */
const SCANNED_ROWS = 10_000;

/** A place to read: live runs, all that finished, or those of one status. */
interface Part {
  readonly place: "live" | "finished" | Exclude<FinishedStatus, "completed">;
  /** The index decides which rows. */
  readonly isExact: boolean;
}

const has = (statuses: readonly RunStatus[] | undefined, ...all: readonly RunStatus[]): boolean =>
  statuses === undefined || all.every((status) => statuses.includes(status));

function toParts({ statuses, trigger, metadata, workspace, user }: RunFilter): readonly Part[] {
  const isIndexed = [trigger, metadata, workspace, user].every((wanted) => wanted === undefined);
  const parts: Part[] = [];
  if (has(statuses, "pending") || has(statuses, "running")) {
    parts.push({ place: "live", isExact: isIndexed && has(statuses, "pending", "running") });
  }
  if (has(statuses, "completed")) {
    const isExact = isIndexed && has(statuses, "completed", "failed", "cancelled");
    return [...parts, { place: "finished", isExact }];
  }
  for (const place of ["failed", "cancelled"] as const) {
    if (has(statuses, place)) parts.push({ place, isExact: isIndexed });
  }
  return parts;
}

const HEAD =
  "id, workspace, user_id, workflow, workflow_version, status, trigger_type, created_at, started_at";

const tableOf = ({ place }: Part): string =>
  place === "live" ? "millrace.runs" : "millrace.history";

const columnsOf = ({ place }: Part): string =>
  place === "live"
    ? `${HEAD}, null::bigint as finished_at, waiting_on`
    : `${HEAD}, finished_at, null::text as waiting_on`;

/** What an index decides. Said once each: the planner takes what is said twice for rarer than it is. */
function toEqual({ place }: Part, byWorkflow: boolean): string {
  const workflow = byWorkflow ? "workflow = $4" : "$4::text is null";
  const status = place === "live" || place === "finished" ? "" : ` and status = '${place}'`;
  return `tenant = $1 and ${workflow}${status} and id < $3`;
}

// Metadata is what `JSON.stringify` makes of texts by name, so that a member stands in it as in an object of its own,
// after a brace or a comma; within a text its quotes would be escaped. It is not read as jsonb, which refuses some of
// what JSON may hold (\u0000, half a surrogate pair): one such run would spoil every list.
//
// Each parameter is named, or its type would be unknown.
const toCompared = ({ place }: Part): string => `
    and ${
      place === "live" || place === "finished"
        ? "($5::text[] is null or status = any($5::text[]))"
        : "$5::text[] is not null"
    }
    and ($6::text is null or trigger_type = $6)
    and ($7::text[] is null or not exists (
      select 1 from unnest($7::text[]) as wanted (member)
      where strpos(metadata, '{' || member) = 0 and strpos(metadata, ',' || member) = 0
    ))
    and ($8::text is null or workspace = $8)
    and ($9::text is null or user_id = $9)`;

/** @param from a parameter or a subquery: of the latter the planner does not know how many rows it leaves */
const toList = (part: Part, byWorkflow: boolean, from: string): string => `(
    select ${columnsOf(part)} from ${tableOf(part)}
    where ${toEqual(part, byWorkflow)} and id >= ${from}${toCompared(part)}
    order by id desc
    limit $10
  )`;

const toFloor = (part: Part, byWorkflow: boolean): string => `(
    select id from ${tableOf(part)}
    where ${toEqual(part, byWorkflow)} and id >= $2
    order by id desc
    limit 1 offset $11
  )`;

/** One row even if nothing was found: it says where the list was left off. */
function toText(parts: readonly Part[], byWorkflow: boolean): string {
  const floors = parts.filter(({ isExact }) => !isExact).map((part) => toFloor(part, byWorkflow));
  const [floor, from] =
    floors.length === 0
      ? ["select null::text as id", "$2"]
      : [
          `select max(id) as id from (${floors.join(" union all ")}) as floors`,
          "coalesce((select id from floor), $2)",
        ];
  return `
with floor as (
  ${floor}
), found as (
  ${parts.map((part) => toList(part, byWorkflow, from)).join(" union all ")}
), page as (
  select * from found order by id desc limit $10
)
select (select id from floor), page.*
from (select 1) as one left join page on true
order by page.id desc`;
}

const statements = new Map<string, Statement>();

function prepare(parts: readonly Part[], byWorkflow: boolean): Statement {
  const places = parts.map(({ place, isExact }) => (isExact ? place : `${place}_compared`));
  const name = ["list_runs", ...(byWorkflow ? ["by_workflow"] : []), ...places].join("_");
  const known = statements.get(name) ?? statement(name, toText(parts, byWorkflow));
  statements.set(name, known);
  return known;
}

/** Sorts after every id. */
const AFTER_ALL = "\u{10ffff}";

/**
 * @param scannedRows of each place that is compared row by row
 * @throws {MillraceError} storage.unavailable
 */
export async function listRuns(
  database: Database,
  { tenant, before, limit, filter = {} }: RunListRequest,
  scannedRows: number = SCANNED_ROWS,
): Promise<RunPage> {
  const range = toIdRange(filter, before);
  const parts = toParts(filter);
  if (parts.length === 0) return { runs: [], next: null };
  const isExact = parts.every((part) => part.isExact);
  const bound = bind(
    prepare(parts, filter.workflow !== undefined),
    tenant,
    range.from ?? "",
    range.before ?? AFTER_ALL,
    filter.workflow ?? null,
    toTexts(filter.statuses),
    filter.trigger ?? null,
    toTexts(filter.metadata && Object.entries(filter.metadata).map(toMember)),
    filter.workspace ?? null,
    filter.user ?? null,
    limit,
    ...(isExact ? [] : [scannedRows - 1]),
  );
  const rows = await ask(database, "list", bound);
  const [[floor = null, first = null] = []] = rows;
  const runs = first === null ? [] : rows.map((row) => decodeSummary(new Cursor(row.slice(1))));
  // Written as an id.
  return { runs, next: runs.length < limit ? (floor as RunId | null) : null };
}

const toMember = ([key, value]: readonly [string, string]): string =>
  `${JSON.stringify(key)}:${JSON.stringify(value)}`;

const toTexts = (texts: readonly string[] | undefined): Parameter =>
  texts === undefined ? null : encodeArray("text", texts);
