// Rows of run data to cells and back, on the main side. Column lists stand beside the functions
// that rely on their order. What comes back was written by `unit-codec.ts`, so brands, unions and
// parsed JSON are what they were then: that is the reason for every cast in this file.
import type {
  FinishedStatus,
  JsonText,
  NodeId,
  Priority,
  RunId,
  RunStatus,
  RunSummary,
  Shard,
  TenantId,
  Timestamp,
  TriggerType,
  WaitingOn,
  WorkflowId,
} from "@millrace/protocol";
import { assertNever } from "../../core/assert-never.ts";
import type { Entry, JournaledMessage, Message, MessageBody, Wait } from "../../core/entry.ts";
import type {
  Held,
  HistoryRow,
  InboxRow,
  OutboxMessage,
  OutboxRow,
  PublishedEvent,
  RunHead,
  RunRef,
  RunRow,
  UnreadableMessage,
} from "../storage.ts";
import type { Cell, Cursor } from "./cells.ts";

/** 19 columns, as `encodeHead` and `decodeHead` order them. */
export const HEAD_COLUMNS: string =
  "tenant, id, shard, workspace, user_id, workflow, workflow_version, trigger_type, priority, " +
  "parent_run, parent_step, retry_of, depth, caller, created_at, deadline_at, metadata, input, name";

/** As `decodeRun` orders them. */
export const RUN_COLUMNS: string = `${HEAD_COLUMNS}, status, owner, fence, wake, due_at, recoveries, waiting_on, cancel_requested_at, started_at`;

/** As `decodeHistory` orders them. */
export const HISTORY_COLUMNS: string = `${HEAD_COLUMNS}, status, started_at, finished_at, cancel_requested_at, result`;

/**
 * As `encodeEntry` and `decodeEntry` order them, in the journal's table and in a packed journal
 * alike.
 */
export const ENTRY_COLUMNS = "kind, key, attempt, position, started_at, ended_at, body";
export const ENTRY_COLUMN_COUNT = 7;

export function encodeHead(run: RunHead, out: Cell[]): void {
  out.push(
    run.tenant,
    run.id,
    run.shard,
    run.workspace,
    run.user,
    run.workflowId,
    run.workflowVersion,
    run.trigger,
    run.priority,
    run.parent === null ? null : run.parent.runId,
    run.parent === null ? null : run.parent.step,
    run.retryOf,
    run.depth,
    run.caller,
    run.createdAt,
    run.deadlineAt,
    run.metadata,
    run.input,
    run.name,
  );
}

function decodeHead(from: Cursor): RunHead {
  const tenant = from.text() as TenantId;
  const id = from.text() as RunId;
  const shard = from.number() as Shard;
  const workspace = from.textOrNull();
  const user = from.textOrNull();
  const workflowId = from.text() as WorkflowId;
  const workflowVersion = from.number();
  const trigger = from.text() as TriggerType;
  const priority = from.number() as Priority;
  const parentRun = from.textOrNull();
  const parentStep = from.textOrNull();
  const retryOf = from.textOrNull() as RunId | null;
  return {
    id,
    shard,
    tenant,
    workspace,
    user,
    workflowId,
    workflowVersion,
    trigger,
    priority,
    parent:
      parentRun === null || parentStep === null
        ? null
        : { runId: parentRun as RunId, step: parentStep },
    retryOf,
    depth: from.number(),
    caller: from.textOrNull(),
    createdAt: decodeTime(from),
    deadlineAt: decodeTimeOrNull(from),
    metadata: from.text() as JsonText,
    input: from.text() as JsonText,
    name: from.textOrNull(),
  };
}

export function decodeRun(from: Cursor): RunRow {
  return {
    ...decodeHead(from),
    status: from.text() as RunRow["status"],
    owner: from.textOrNull() as NodeId | null,
    fence: from.number(),
    wake: from.number(),
    dueAt: decodeTimeOrNull(from),
    recoveries: from.number(),
    waitingOn: decodeWaitingOn(from),
    cancelRequestedAt: decodeTimeOrNull(from),
    startedAt: decodeTimeOrNull(from),
  };
}

export function decodeHistory(from: Cursor): HistoryRow {
  return {
    ...decodeHead(from),
    status: from.text() as FinishedStatus,
    startedAt: decodeTimeOrNull(from),
    finishedAt: decodeTime(from),
    cancelRequestedAt: decodeTimeOrNull(from),
    result: from.textOrNull() as JsonText | null,
  };
}

export function decodeSummary(from: Cursor): RunSummary & { readonly waitingOn: WaitingOn | null } {
  return {
    id: from.text() as RunId,
    workspace: from.textOrNull(),
    user: from.textOrNull(),
    workflowId: from.text() as WorkflowId,
    workflowVersion: from.number(),
    status: from.text() as RunStatus,
    trigger: from.text() as TriggerType,
    createdAt: decodeTime(from),
    startedAt: decodeTimeOrNull(from),
    finishedAt: decodeTimeOrNull(from),
    waitingOn: decodeWaitingOn(from),
  };
}

export function encodeEntry(entry: Entry, out: Cell[]): void {
  const { kind, position, startedAt, endedAt } = entry;
  const key = kind === "message" ? null : entry.key;
  const attempt = kind === "result" || kind === "failure" ? entry.attempt : null;
  out.push(kind, key, attempt, position, startedAt, endedAt, encodeBody(entry));
}

function encodeBody(entry: Entry): string {
  switch (entry.kind) {
    case "result":
      return entry.output;
    case "failure":
      return JSON.stringify({ failure: entry.failure, retryAt: entry.retryAt });
    case "wait":
      return JSON.stringify(entry.wait);
    case "message":
      return JSON.stringify(entry.message);
    default:
      return assertNever(entry);
  }
}

function decodeEntry(from: Cursor): Entry {
  const kind = from.text() as Entry["kind"];
  const key = from.textOrNull() ?? "";
  const attempt = from.numberOrNull() ?? 0;
  const base = {
    position: from.number(),
    startedAt: decodeTime(from),
    endedAt: decodeTime(from),
  };
  const body = from.text();
  switch (kind) {
    case "result":
      return { kind, key, attempt, ...base, output: body as JsonText };
    case "failure":
      return { kind, key, attempt, ...base, ...(JSON.parse(body) as FailureBody) };
    case "wait":
      return { kind, key, ...base, wait: JSON.parse(body) as Wait };
    case "message":
      return { kind, ...base, message: JSON.parse(body) as JournaledMessage };
    default:
      return refuseKind(kind);
  }
}

type FailureBody = Pick<Extract<Entry, { kind: "failure" }>, "failure" | "retryAt">;

export function encodeJournal(entries: readonly Entry[]): string {
  const cells: Cell[] = [];
  for (const entry of entries) encodeEntry(entry, cells);
  return JSON.stringify(cells);
}

/** A stored row that is damaged, or of a later release. The message names it. */
class UnreadableRow extends Error {
  override readonly name = "UnreadableRow";
}

/** Reads entries until the cells end. @throws {UnreadableRow} */
export const decodeEntries = (from: Cursor): readonly Entry[] =>
  decodeRows("journal entry", from, decodeEntry);

function decodeRows<T>(name: string, from: Cursor, decode: (from: Cursor) => T): readonly T[] {
  const rows: T[] = [];
  try {
    while (!from.isAtEnd) rows.push(decode(from));
  } catch (cause) {
    throw new UnreadableRow(`${name} ${rows.length + 1} cannot be read: ${toReason(cause)}`, {
      cause,
    });
  }
  return rows;
}

/** What `take` has read of one run. One that cannot be read does not hold up the others. */
export function decodeHeldRun(row: Cursor, journal: Cursor, inbox: Cursor): Held {
  const run = decodeRun(row);
  try {
    return {
      run,
      journal: decodeEntries(journal),
      inbox: decodeRows("inbox message", inbox, decodeMessage),
    };
  } catch (error) {
    if (!(error instanceof UnreadableRow)) throw error;
    return { run, journal: [], inbox: [], unreadable: error.message };
  }
}

export function encodeOutboxMessage(message: OutboxMessage, out: Cell[]): void {
  const { to, content } = message;
  const body = JSON.stringify(toOutboxBody(content));
  out.push(message.id, to.tenant, to.runId, to.shard, content.kind, body);
}

function toOutboxBody(content: OutboxMessage["content"]): object {
  switch (content.kind) {
    case "start":
      return content.run;
    case "message":
      return content.message;
    case "publish":
      return content.event;
    case "subscribe":
    case "unsubscribe": {
      const { kind: _, ...rest } = content;
      return rest;
    }
    default:
      return assertNever(content);
  }
}

/** As `encodeOutboxMessage` orders them. */
export const OUTBOX_COLUMNS = "id, to_tenant, to_run, to_shard, kind, body";
export const OUTBOX_COLUMN_COUNT = 6;

/** Columns: the sender's tenant, run and shard, then those of the outbox. */
export function decodeOutboxRow(cells: Cursor): OutboxRow {
  const from = decodeRef(cells);
  const id = cells.text();
  const to = decodeRef(cells);
  const kind = cells.text() as OutboxMessage["content"]["kind"];
  const body = cells.text();
  return orUnreadable(`outbox message ${id}`, { from }, () => ({
    message: { id, to, content: decodeOutboxBody(kind, body) },
  }));
}

function decodeOutboxBody(
  kind: OutboxMessage["content"]["kind"],
  body: string,
): OutboxMessage["content"] {
  switch (kind) {
    case "start":
      return { kind, run: decodeSentHead(body) };
    case "message":
      return { kind, message: JSON.parse(body) as Message };
    case "publish":
      return { kind, event: JSON.parse(body) as PublishedEvent };
    case "subscribe":
      return { kind, ...(JSON.parse(body) as Omit<SubscribeContent, "kind">) };
    case "unsubscribe":
      return { kind, ...(JSON.parse(body) as { readonly event: string; readonly key: string }) };
    default:
      return refuseKind(kind);
  }
}

type SubscribeContent = Extract<OutboxMessage["content"], { kind: "subscribe" }>;

/** What an older version sent has no `retryOf`. */
function decodeSentHead(body: string): RunHead {
  const head = JSON.parse(body) as Omit<RunHead, "retryOf"> & Partial<Pick<RunHead, "retryOf">>;
  return { ...head, retryOf: head.retryOf ?? null };
}

/** Columns: tenant, run, shard. */
export function decodeRef(from: Cursor): RunRef {
  const tenant = from.text() as TenantId;
  const runId = from.text() as RunId;
  return { tenant, runId, shard: from.number() as Shard };
}

/** Columns: the receiver's tenant, run and shard, then id and body. */
export function decodeInboxRow(cells: Cursor): InboxRow {
  const to = decodeRef(cells);
  const id = cells.text();
  const body = cells.text();
  return orUnreadable(`inbox message ${id}`, { to }, () => ({
    message: { id, body: decodeMessageBody(body) },
  }));
}

/** Columns: id, body. */
const decodeMessage = (from: Cursor): Message => ({
  id: from.text(),
  body: decodeMessageBody(from.text()),
});

const MESSAGE_KINDS: Readonly<Record<MessageBody["kind"], true>> = {
  "child.finished": true,
  cancel: true,
  signal: true,
  limit: true,
  wake: true,
};

function decodeMessageBody(text: string): MessageBody {
  const body = JSON.parse(text) as MessageBody;
  return Object.hasOwn(MESSAGE_KINDS, body.kind) ? body : refuseKind(body.kind as never);
}

/** A later release may have written it. */
function refuseKind(kind: never): never {
  throw new RangeError(`its kind ${JSON.stringify(kind)} is unknown`);
}

/** Its cells have been taken already, so that the next row begins where it should. */
function orUnreadable<W extends object, T>(
  name: string,
  whose: W,
  decode: () => T,
): W & (T | UnreadableMessage) {
  try {
    return { ...whose, ...decode() };
  } catch (cause) {
    return { ...whose, unreadable: `${name} cannot be read: ${toReason(cause)}` };
  }
}

const toReason = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);

export const encodeWaitingOn = (waitingOn: WaitingOn | null): string | null =>
  waitingOn === null ? null : JSON.stringify(waitingOn);

/** What a run has for `waiting_on` that waits for this function, to the letter: it is searched by that. */
export const encodeAwaitedFunction = (name: string): string =>
  JSON.stringify({ kind: "worker", function: name } satisfies WaitingOn);

/** Written by `encodeAwaitedFunction`. */
export const decodeAwaitedFunction = (from: Cursor): string =>
  (JSON.parse(from.text()) as { readonly function: string }).function;

function decodeWaitingOn(from: Cursor): WaitingOn | null {
  const text = from.textOrNull();
  return text === null ? null : (JSON.parse(text) as WaitingOn);
}

export const decodeTime = (from: Cursor): Timestamp => from.number() as Timestamp;
export const decodeTimeOrNull = (from: Cursor): Timestamp | null =>
  from.numberOrNull() as Timestamp | null;
