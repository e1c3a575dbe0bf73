// Reads the database itself, past every proxy and node. It shares no code with the engine that wrote it.
import {
  runStatements,
  withClient,
  type Row,
} from "../packages/engine/src/testkit/postgres/admin.ts";
import type { History, StoredEntry, StoredRun } from "./history.ts";
import { shapeOf } from "./workflows.ts";

type Client = Parameters<Parameters<typeof withClient>[1]>[0];

export type Stored = Pick<History, "runs" | "keys" | "leftovers">;

const HEAD =
  "id, workflow, parent_run, parent_step, metadata::json->>'intent' as intent, fence::int";

const LIVE = `select ${HEAD}, waiting_on from millrace.runs order by id`;
const ENDED = `select ${HEAD}, status, result, journal from millrace.history order by id`;
const JOURNAL = "select run, kind, key, attempt, body from millrace.journal order by run, sequence";
/** Of code, whose ids are made. */
const NAMES = "select id, slug from millrace.catalog where kind = 'workflow' and slug is not null";
const KEYS = "select key, run from millrace.keys order by key";

/** Of what has ended, when everything has. */
const LEFTOVERS: Readonly<Record<string, string>> = {
  "live runs": "millrace.runs",
  "rows of journals": "millrace.journal",
  "messages in inboxes": "millrace.inbox",
  "messages in outboxes": "millrace.outbox",
  slots: "millrace.slots",
  "subscriptions that wait": "millrace.subscriptions where ended = 0",
};

export function readStore(url: string): Promise<Stored> {
  return withClient(url, async (client) => {
    const live = await readRows(client, LIVE);
    const entries = Map.groupBy(await readRows(client, JOURNAL), ({ run }) => textOf(run));
    const ended = await readRows(client, ENDED);
    const keys = await readRows(client, KEYS);
    const names = new Map(
      (await readRows(client, NAMES)).map(({ id, slug }) => [textOf(id), textOf(slug)]),
    );
    const named = (run: StoredRun): StoredRun =>
      shapeOf(run.workflow) === undefined
        ? { ...run, workflow: names.get(run.workflow) ?? run.workflow }
        : run;
    return {
      runs: [
        ...live.map((row) => toRun(row, (entries.get(textOf(row["id"])) ?? []).map(toEntry))),
        ...ended.map((row) => toRun(row, unpack(textOf(row["journal"])))),
      ].map(named),
      keys: keys.map((row) => ({ key: textOf(row["key"]), runId: textOf(row["run"]) })),
      leftovers: await countLeftovers(url),
    };
  });
}

export async function countLeftovers(url: string): Promise<Readonly<Record<string, number>>> {
  const counts = Object.values(LEFTOVERS).map((from) => `(select count(*)::int from ${from})`);
  const names = Object.keys(LEFTOVERS);
  const [row = {}] = await runStatements(
    url,
    `select ${counts.map((count, n) => `${count} as c${n}`).join(", ")}`,
  );
  return Object.fromEntries(names.map((name, n) => [name, Number(row[`c${n}`])]));
}

async function readRows(client: Client, text: string): Promise<readonly Row[]> {
  return (await client.query<Record<string, unknown>>(text)).rows;
}

function toRun(row: Row, journal: readonly StoredEntry[]): StoredRun {
  const parentRun = row["parent_run"];
  return {
    id: textOf(row["id"]),
    workflow: textOf(row["workflow"]),
    intent: textOrNull(row["intent"]),
    parent:
      parentRun === null ? null : { runId: textOf(parentRun), step: textOf(row["parent_step"]) },
    status: textOrNull(row["status"]),
    fence: Number(row["fence"]),
    result: textOrNull(row["result"]),
    waitingOn: textOrNull(row["waiting_on"]),
    journal,
  };
}

const toEntry = (row: Row): StoredEntry => ({
  kind: textOf(row["kind"]),
  key: textOrNull(row["key"]),
  attempt: row["attempt"] === null ? null : Number(row["attempt"]),
  body: textOf(row["body"]),
});

/** A finished run's journal is one list: kind, key, attempt, position, start, end, body, and so on. */
const CELLS_AN_ENTRY = 7;

function unpack(text: string): readonly StoredEntry[] {
  const cells = JSON.parse(text) as readonly unknown[];
  return Array.from({ length: cells.length / CELLS_AN_ENTRY }, (_, n) => {
    const [kind, key, attempt, , , , body] = cells.slice(n * CELLS_AN_ENTRY);
    return toEntry({ kind, key, attempt, body });
  });
}

function textOf(cell: unknown): string {
  if (typeof cell === "string") return cell;
  throw new Error(`expected text in the store, found ${typeof cell}`);
}

const textOrNull = (cell: unknown): string | null =>
  cell === null || cell === undefined ? null : textOf(cell);
