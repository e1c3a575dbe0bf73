import type { RunId } from "@millrace/protocol";
import { assertNever } from "../../core/assert-never.ts";
import { Cursor, type Row } from "../rows/cells.ts";
import { decodeWaiter } from "../rows/event-codec.ts";
import {
  decodeAwaitedFunction,
  decodeInboxRow,
  decodeOutboxRow,
  encodeAwaitedFunction,
  OUTBOX_COLUMNS,
} from "../rows/row-codec.ts";
import type { Answers, Query } from "../storage.ts";
import { encodeArray } from "./arrays.ts";
import { ask } from "./ask.ts";
import type { Database } from "./database.ts";
import { decodeDueRun } from "./find-due.ts";
import type { Rows } from "./flight.ts";
import { listRuns } from "./list-runs.ts";
import { readAudit } from "./read-audit.ts";
import { readRun } from "./read-run.ts";
import { bind, nowOr, statement, type Statement } from "./statement.ts";

// $1 tenant, $2 scope, $3 key, $4 a test's time or null. Primary key of keys. The sum keeps the planner from
// keys_expiring: where its statistics are old, it believes that there is nothing after their last time.
const KEY: Statement = statement(
  "read_key",
  `
select run, payload_hash from millrace.keys
where tenant = $1 and scope = $2 and key = $3 and expires_at + 0 > ${nowOr("$4")}`,
);

// $1 tenant, $2 name. Indexes: runs_names, history_names. One statement: the run may end meanwhile.
const NAMED: Statement = statement(
  "read_named",
  `
with found as (
  (select id, 1 as live from millrace.runs where tenant = $1 and name = $2)
  union all
  (select id, 0 from millrace.history where tenant = $1 and name = $2 order by id desc limit 1)
)
select id from found order by live desc limit 1`,
);

// $1 node, $2 limit. From runs_owned to inbox_waiting: it reads the node's own runs, however many others sleep. Both
// steps are written down, or a small limit tempts the planner to walk through all that waits.
const INBOX: Statement = statement(
  "read_inbox",
  `
with owned as materialized (
  select tenant, id, shard from millrace.runs where owner = $1
), waiting as materialized (
  select i.tenant, i.run, i.shard, i.id, i.body, i.arrival
  from owned as o
  join millrace.inbox as i on i.tenant = o.tenant and i.run = o.id and i.shard = o.shard
  where i.consumed = 0
)
select tenant, run, shard, id, body from waiting
order by tenant, run, arrival
limit $2`,
);

// $1 limit. Index outbox_by_age.
const OUTBOX: Statement = statement(
  "read_outbox",
  `
select tenant, run, shard, ${OUTBOX_COLUMNS} from millrace.outbox
order by sent_at, place, tenant, run, id
limit $1`,
);

// $1 tenant, $2 workflow, $3 version, $4 limit. Index runs_awaiting, whose words these are, in its order; that of
// ids is that of creation. A run that is taken waits for nothing, so none of these has an owner.
const AWAITING: Statement = statement(
  "read_awaiting",
  `
select tenant, id, shard, fence from millrace.runs
where tenant = $1 and workflow = $2 and workflow_version = $3 and waiting_on like '{"kind":"worker"%'
order by priority, id
limit $4`,
);

// $1 tenant, $2 what a run has for `waiting_on` that waits for the function, $3 limit. Index runs_awaiting_function, whose
// words these are, in its order.
const AWAITING_FUNCTION: Statement = statement(
  "read_awaiting_function",
  `
select tenant, id, shard, fence from millrace.runs
where tenant = $1 and waiting_on = $2 and waiting_on like '{"kind":"worker","function"%'
order by priority, id
limit $3`,
);

// $1 tenant, $2 what runs have for `waiting_on` that wait for these functions. Index runs_awaiting_function. Nodes ask for
// functions alone whose runs they would take: few wait for them.
const AWAITED_FUNCTIONS: Statement = statement(
  "read_awaited_functions",
  `
select distinct waiting_on from millrace.runs
where tenant = $1 and waiting_on = any($2::text[]) and waiting_on like '{"kind":"worker","function"%'`,
);

// $1 tenant, $2 name, $3 a test's time or null, $4 limit. Index subscriptions_waiting.
const WAITERS: Statement = statement(
  "read_waiters",
  `
select run, key, since, until from millrace.subscriptions
where tenant = $1 and name = $2 and ended = 0 and (until is null or until > ${nowOr("$3")})
order by since, run, key
limit $4`,
);

// $1 a test's time or null. The classes are named so that runs_due is searched and not walked.
const COUNTS: Statement = statement(
  "read_counts",
  `
select
  (select count(*) from millrace.runs),
  (select count(*) from millrace.runs where priority in (0, 1, 2, 3) and due_at <= ${nowOr("$1")}),
  (select count(*) from millrace.history),
  (select count(*) from millrace.outbox)`,
);

/**
 * Answers one query; the kinds of query and of answer go together. What nodes ask for their own sake goes by the
 * connection of claims, so that callers cannot keep it waiting.
 *
 * @param now a test's time. null: the database's
 * @throws {MillraceError} storage.unavailable
 */
export async function readStore(
  database: Database,
  query: Query,
  now: number | null,
): Promise<Answers[Query["kind"]]> {
  switch (query.kind) {
    case "run":
      return readRun(database, query.tenant, query.runId);
    case "runs":
      return listRuns(database, query);
    case "key": {
      const { tenant, scope, key } = query;
      const [row] = await ask(database, "read", bind(KEY, tenant, scope, key, now));
      return row === undefined ? null : decodeKey(new Cursor(row));
    }
    case "named": {
      const [row] = await ask(database, "read", bind(NAMED, query.tenant, query.name));
      // Written as an id.
      return (row?.[0] ?? null) as RunId | null;
    }
    case "inbox":
      return decodeRows(
        await ask(database, "claim", bind(INBOX, query.node, query.limit)),
        decodeInboxRow,
      );
    case "outbox":
      return decodeRows(await ask(database, "claim", bind(OUTBOX, query.limit)), decodeOutboxRow);
    case "awaiting": {
      const { tenant, workflow, version, limit } = query;
      const bound = bind(AWAITING, tenant, workflow, version, limit);
      return decodeRows(await ask(database, "claim", bound), decodeDueRun);
    }
    case "awaiting-function": {
      const { tenant, function: name, limit } = query;
      const bound = bind(AWAITING_FUNCTION, tenant, encodeAwaitedFunction(name), limit);
      return decodeRows(await ask(database, "claim", bound), decodeDueRun);
    }
    case "awaited-functions": {
      const awaited = encodeArray("text", query.functions.map(encodeAwaitedFunction));
      const bound = bind(AWAITED_FUNCTIONS, query.tenant, awaited);
      return decodeRows(await ask(database, "claim", bound), decodeAwaitedFunction);
    }
    case "waiters": {
      const { tenant, event, limit } = query;
      const bound = bind(WAITERS, tenant, event, now, limit);
      return decodeRows(await ask(database, "read", bound), decodeWaiter);
    }
    case "counts":
      return decodeCounts((await ask(database, "list", bind(COUNTS, now)))[0] ?? []);
    case "audit":
      return readAudit(database, query);
    default:
      return assertNever(query);
  }
}

const decodeKey = (from: Cursor): NonNullable<Answers["key"]> => ({
  // Written as an id.
  runId: from.text() as RunId,
  payloadHash: from.text(),
});

function decodeCounts(row: Row): Answers["counts"] {
  const from = new Cursor(row);
  return {
    live: from.number(),
    due: from.number(),
    finished: from.number(),
    outbox: from.number(),
  };
}

const decodeRows = <T>(rows: Rows, decode: (from: Cursor) => T): readonly T[] =>
  rows.map((row) => decode(new Cursor(row)));
