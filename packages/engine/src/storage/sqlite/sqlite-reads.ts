import { PRIORITIES, type RunId, type Timestamp } from "@millrace/protocol";
import { assertNever } from "../../core/assert-never.ts";
import type { Answers, Due, DueRun, Held, Query } from "../storage.ts";
import { decodeAudit } from "../rows/catalog-codec.ts";
import { Cursor, type Cell, type Row } from "../rows/cells.ts";
import { decodeWaiter } from "../rows/event-codec.ts";
import type { DueCells } from "./find-due.ts";
import type { ReadVerbs } from "./read-verbs.ts";
import type { RunCells } from "./read-run.ts";
import {
  decodeAwaitedFunction,
  decodeEntries,
  decodeHeldRun,
  decodeHistory,
  decodeInboxRow,
  decodeOutboxRow,
  decodeRef,
  decodeRun,
  decodeSummary,
} from "../rows/row-codec.ts";
import type { HeldCells } from "./take-runs.ts";
import type { Thread } from "./thread.ts";

type Reader = Thread<ReadVerbs>;

/** Answers one query; the kinds of query and of answer go together. */
export async function readStore(
  reader: Reader,
  query: Query,
  now: number | null,
): Promise<Answers[Query["kind"]]> {
  switch (query.kind) {
    case "run":
      return decodeRunAnswer(await reader.call("readRun", query.tenant, query.runId));
    case "runs": {
      const { rows, next } = await reader.call("listRuns", query);
      // Written as an id.
      return { runs: decodeAll(rows, decodeSummary), next: next as RunId | null };
    }
    case "key": {
      const { tenant, scope, key } = query;
      return decodeKey(await reader.call("readKey", { tenant, scope, key }, now));
    }
    case "named": {
      const row = await reader.call("readNamed", query.tenant, query.name);
      // Written as an id.
      return (row?.[0] ?? null) as RunId | null;
    }
    case "inbox":
      return decodeAll(await reader.call("readInbox", query.node, query.limit), decodeInboxRow);
    case "outbox":
      return decodeAll(await reader.call("readOutbox", query.limit), decodeOutboxRow);
    case "awaiting":
      return decodeAll(await reader.call("readAwaiting", query), decodeDueRun);
    case "awaiting-function":
      return decodeAll(await reader.call("readAwaitingFunction", query), decodeDueRun);
    case "awaited-functions":
      return decodeAll(await reader.call("readAwaitedFunctions", query), decodeAwaitedFunction);
    case "waiters":
      return decodeAll(await reader.call("readWaiters", query, now), decodeWaiter);
    case "counts":
      return decodeCounts(await reader.call("readCounts", now));
    case "audit": {
      const { rows, next } = await reader.call("readAudit", query);
      return { rows: decodeAll(rows, decodeAudit), next };
    }
    default:
      return assertNever(query);
  }
}

export async function findDue(
  reader: Reader,
  shards: readonly number[] | null,
  limit: number,
  now: number | null,
): Promise<Due> {
  const asked = shards === null ? null : JSON.stringify(shards);
  const found = await reader.call("findDue", { priorities: PRIORITIES, shards: asked, limit, now });
  return decodeDue(found);
}

function decodeDue({ runs, nextDueAt }: DueCells): Due {
  return {
    runs: decodeAll(runs, decodeDueRun),
    // Written as a timestamp.
    nextDueAt: nextDueAt as Timestamp | null,
  };
}

const decodeDueRun = (from: Cursor): DueRun => ({ ...decodeRef(from), fence: from.number() });

/** As `decodeDue` reads them. */
export function encodeDue(due: readonly DueRun[]): Row {
  const cells: Cell[] = [];
  for (const { tenant, runId, shard, fence } of due) cells.push(tenant, runId, shard, fence);
  return cells;
}

export const decodeHeld = ({ run, journal, inbox }: HeldCells): Held =>
  decodeHeldRun(new Cursor(run), new Cursor(journal), new Cursor(inbox));

function decodeRunAnswer(cells: RunCells): Answers["run"] {
  if (cells === null) return null;
  if ("live" in cells) {
    return {
      live: decodeRun(new Cursor(cells.live)),
      journal: decodeEntries(new Cursor(cells.journal)),
    };
  }
  // Packed by `encodeJournal`.
  const journal = JSON.parse(String(cells.journal)) as Row;
  return {
    finished: decodeHistory(new Cursor(cells.finished)),
    journal: decodeEntries(new Cursor(journal)),
  };
}

function decodeKey(row: Row | null): Answers["key"] {
  if (row === null) return null;
  const from = new Cursor(row);
  return { runId: from.text() as RunId, payloadHash: from.text() };
}

function decodeCounts(row: Row): Answers["counts"] {
  const from = new Cursor(row);
  return {
    live: from.number(),
    due: from.number(),
    finished: from.number(),
    outbox: from.number(),
  };
}

function decodeAll<T>(cells: Row, decode: (from: Cursor) => T): readonly T[] {
  const from = new Cursor(cells);
  const all: T[] = [];
  while (!from.isAtEnd) all.push(decode(from));
  return all;
}
