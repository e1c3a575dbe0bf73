import { fromJsonText, type JsonValue, type Shard, type Timestamp } from "@millrace/protocol";
import { assertNever } from "../../core/assert-never.ts";
import { toIdRange, type RunFilter } from "../run-filter.ts";
import type { Answers, Due, HistoryRow, Query, RunHead, RunPage, RunRow } from "../storage.ts";
import { waitingFor } from "./apply-event-unit.ts";
import { byText, inboxOf, journalOf, placeOf, waitingIn, type Tables } from "./tables.ts";

type Asked<K extends Query["kind"]> = Extract<Query, { kind: K }>;

export function readTables(tables: Tables, query: Query, now: Timestamp): Answers[Query["kind"]] {
  switch (query.kind) {
    case "run":
      return readRun(tables, query);
    case "runs":
      return listRuns(tables, query);
    case "key":
      return readKey(tables, query, now);
    case "named":
      return findNamed(tables, query);
    case "inbox":
      return readInbox(tables, query);
    case "outbox":
      return tables.outbox.values().slice(0, query.limit);
    case "awaiting":
    case "awaiting-function":
      return findAwaiting(tables, query);
    case "awaited-functions":
      return findAwaited(tables, query);
    case "waiters":
      return listWaiters(tables, query, now);
    case "counts":
      return count(tables, now);
    case "audit":
      return listAudit(tables, query);
    default:
      return assertNever(query);
  }
}

function readRun(tables: Tables, { tenant, runId }: Asked<"run">): Answers["run"] {
  const live = tables.runs.get(runId);
  if (live?.tenant === tenant) {
    return { live, journal: journalOf(tables, runId).map(({ entry }) => entry) };
  }
  const past = tables.history.get(runId);
  return past?.run.tenant === tenant ? { finished: past.run, journal: past.journal } : null;
}

function findAwaiting(
  { runs }: Tables,
  query: Asked<"awaiting" | "awaiting-function">,
): Answers["awaiting"] {
  return runs
    .values()
    .filter((row) => row.tenant === query.tenant && isAwaiting(row, query))
    .toSorted((a, b) => a.priority - b.priority || byText(a.id, b.id))
    .slice(0, query.limit)
    .map(({ tenant, id, shard, fence }) => ({ tenant, runId: id, shard, fence }));
}

function isAwaiting(row: RunRow, query: Asked<"awaiting" | "awaiting-function">): boolean {
  if (row.waitingOn?.kind !== "worker") return false;
  if (query.kind === "awaiting-function") return row.waitingOn.function === query.function;
  return row.workflowId === query.workflow && row.workflowVersion === query.version;
}

const findAwaited = (
  { runs }: Tables,
  { tenant, functions }: Asked<"awaited-functions">,
): Answers["awaited-functions"] =>
  functions.filter((name) =>
    runs
      .values()
      .some(
        ({ tenant: whose, waitingOn }) =>
          whose === tenant && waitingOn?.kind === "worker" && waitingOn.function === name,
      ),
  );

function listRuns(
  { runs, history }: Tables,
  { tenant, before, limit, filter = {} }: Asked<"runs">,
): Answers["runs"] {
  const range = toIdRange(filter, before);
  const found = [...runs.values(), ...history.values().map(({ run }) => run)]
    .filter((row) => row.tenant === tenant)
    .filter((row) => range.from === null || row.id >= range.from)
    .filter((row) => range.before === null || row.id < range.before)
    .filter((row) => isWanted(row, filter))
    .toSorted((a, b) => byText(b.id, a.id))
    .slice(0, limit)
    .map(toSummary);
  return { runs: found, next: null };
}

function isWanted(row: RunRow | HistoryRow, filter: RunFilter): boolean {
  const { workflow, statuses, trigger, metadata = {}, workspace, user } = filter;
  const own: JsonValue = fromJsonText(row.metadata);
  return (
    (workflow === undefined || row.workflowId === workflow) &&
    (statuses === undefined || statuses.includes(row.status)) &&
    (trigger === undefined || row.trigger === trigger) &&
    (workspace === undefined || row.workspace === workspace) &&
    (user === undefined || row.user === user) &&
    Object.entries(metadata).every(
      ([key, value]) => Object.entries(own ?? {}).find(([name]) => name === key)?.[1] === value,
    )
  );
}

function toSummary(row: RunRow | HistoryRow): RunPage["runs"][number] {
  const { id, workspace, user, workflowId, workflowVersion } = row;
  const { status, trigger, createdAt, startedAt } = row;
  const finishedAt = "finishedAt" in row ? row.finishedAt : null;
  const waitingOn = "waitingOn" in row ? row.waitingOn : null;
  return {
    id,
    workspace,
    user,
    workflowId,
    workflowVersion,
    status,
    trigger,
    createdAt,
    startedAt,
    finishedAt,
    waitingOn,
  };
}

function readKey(
  { keys }: Tables,
  { tenant, scope, key }: Asked<"key">,
  now: Timestamp,
): Answers["key"] {
  const row = keys.get(placeOf(tenant, scope, key));
  if (row === undefined || row.expiresAt <= now) return null;
  return { runId: row.runId, payloadHash: row.payloadHash };
}

function findNamed({ runs, history }: Tables, { tenant, name }: Asked<"named">): Answers["named"] {
  const isNamed = (run: RunHead): boolean => run.tenant === tenant && run.name === name;
  const live = runs.values().find(isNamed);
  const ended = history
    .values()
    .map(({ run }) => run)
    .filter(isNamed);
  return (
    live?.id ??
    ended
      .map(({ id }) => id)
      .toSorted()
      .at(-1) ??
    null
  );
}

function readInbox(tables: Tables, { node, limit }: Asked<"inbox">): Answers["inbox"] {
  return tables.runs
    .values()
    .filter(({ owner }) => owner === node)
    .toSorted((a, b) => byText(a.tenant, b.tenant) || byText(a.id, b.id))
    .flatMap(({ tenant, id, shard }) => {
      const to = { tenant, runId: id, shard };
      return waitingIn(inboxOf(tables, id)).map((message) => ({ to, message }));
    })
    .slice(0, limit);
}

function listWaiters(
  tables: Tables,
  { tenant, event: name, limit }: Asked<"waiters">,
  now: Timestamp,
): Answers["waiters"] {
  return waitingFor(tables, { tenant, name }, now)
    .slice(0, limit)
    .map(({ runId, key, since, until }) => ({ runId, key, since, until }));
}

function listAudit({ audit }: Tables, asked: Asked<"audit">): Answers["audit"] {
  const { tenant, limit, before = Infinity, action, key, since } = asked;
  const sequences = audit.keys();
  const rows = audit
    .values()
    .map((row, i) => ({ ...row, sequence: sequences[i] ?? 0 }))
    .filter((row) => row.tenant === tenant && row.sequence < before)
    .filter((row) => action === undefined || row.action === action)
    .filter((row) => key === undefined || row.key === key)
    .filter((row) => since === undefined || row.at >= since)
    .toReversed()
    .slice(0, limit);
  return { rows, next: null };
}

function count({ runs, history, outbox }: Tables, now: Timestamp): Answers["counts"] {
  const due = runs.values().filter((row) => dueAtOf(row) <= now).length;
  return { live: runs.size, due, finished: history.size, outbox: outbox.size };
}

export interface DueRequest {
  readonly shards: readonly Shard[] | null;
  readonly limit: number;
  readonly now: Timestamp;
}

export function findDueRuns({ runs }: Tables, { shards, limit, now }: DueRequest): Due {
  const rows = runs.values().filter(({ shard }) => shards === null || shards.includes(shard));
  const due = rows
    .filter((row) => dueAtOf(row) <= now)
    .toSorted((a, b) => a.priority - b.priority || dueAtOf(a) - dueAtOf(b) || byText(a.id, b.id));
  const later = rows.map(dueAtOf).filter((at) => at > now && at !== NEVER);
  const isKnown = due.length < limit;
  return {
    runs: due
      .slice(0, limit)
      .map(({ tenant, id, shard, fence }) => ({ tenant, runId: id, shard, fence })),
    nextDueAt: isKnown ? (later.toSorted((a, b) => a - b)[0] ?? null) : null,
  };
}

/** Later than any timestamp. */
const NEVER = Infinity as Timestamp;
const dueAtOf = (row: RunRow): Timestamp => row.dueAt ?? NEVER;
