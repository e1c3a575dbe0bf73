import type { NodeId, RunId, Shard, TenantId, Timestamp } from "@millrace/protocol";
import type { Entry, Message } from "../../core/entry.ts";
import type { Audit, CatalogRecord } from "../catalog.ts";
import type {
  EventWaiter,
  HistoryRow,
  OutboxMessage,
  PublishedEvent,
  ReachedWaiter,
  RunRef,
  RunRow,
} from "../storage.ts";
import { Table } from "./table.ts";

export interface JournalRow {
  readonly entry: Entry;
  /** Under which it was written: a unit that is sent again finds itself by it. */
  readonly fence: number;
}

export interface InboxRow {
  readonly message: Message;
  /**
   * Its owner has journaled it; it stays until the run finishes, so that a late repeat is known.
   */
  readonly consumed: boolean;
}

/** In the order of arrival, by message id. */
export type Inbox = ReadonlyMap<string, InboxRow>;

export interface FinishedRun {
  readonly run: HistoryRow;
  readonly journal: readonly Entry[];
  readonly fence: number;
  readonly expiresOn: Timestamp | null;
}

export interface KeyRow {
  readonly runId: RunId;
  readonly shard: Shard;
  readonly payloadHash: string;
  readonly expiresAt: Timestamp;
}

export interface EventRow {
  readonly tenant: TenantId;
  readonly event: PublishedEvent;
  /** Whom it reached when it was published. */
  readonly waiters: readonly ReachedWaiter[];
  /** Ids of all runs that it has reached. */
  readonly reached: ReadonlySet<RunId>;
  readonly expiresAt: Timestamp;
}

/** An operation that waits for an event, or has waited. */
export interface SubscriptionRow extends EventWaiter {
  readonly tenant: TenantId;
  readonly event: string;
  /** Of the run; null: it never subscribed. */
  readonly runShard: Shard | null;
  readonly ended: boolean;
  /** Id of the event that ended it. */
  readonly takenBy: string | null;
  readonly expiresAt: Timestamp | null;
}

/** What the store holds, for its own functions and for a checker to look at. */
export interface Tables {
  /** Live runs. */
  readonly runs: Table<RunId, RunRow>;
  /** Of live runs; none for a run without entries. */
  readonly journal: Table<RunId, readonly JournalRow[]>;
  /** Of live runs; none for a run that never got a message. */
  readonly inbox: Table<RunId, Inbox>;
  readonly outbox: Table<string, { readonly from: RunRef; readonly message: OutboxMessage }>;
  readonly history: Table<RunId, FinishedRun>;
  readonly keys: Table<string, KeyRow>;
  /** By tenant, name and id. */
  readonly events: Table<string, EventRow>;
  /** By tenant, name, run and key. */
  readonly subscriptions: Table<string, SubscriptionRow>;
  readonly nodes: Table<NodeId, { readonly leaseUntil: number }>;
  readonly catalog: Table<string, CatalogRecord>;
  /** Numbered from 0. */
  readonly audit: Table<number, Audit>;
}

export const createTables = (): Tables => ({
  runs: new Table(),
  journal: new Table(),
  inbox: new Table(),
  outbox: new Table(),
  history: new Table(),
  keys: new Table(),
  events: new Table(),
  subscriptions: new Table(),
  nodes: new Table(),
  catalog: new Table(),
  audit: new Table(),
});

/** Whole or nothing. */
export function inTransaction<T>(tables: Tables, body: () => T): T {
  const all: readonly { commit(): void; rollback(): void }[] = Object.values(tables);
  try {
    const result = body();
    for (const table of all) table.commit();
    return result;
  } catch (error) {
    for (const table of all) table.rollback();
    throw error;
  }
}

/** No part of it holds a line feed: names are checked before they come to a store. */
export const placeOf = (...parts: readonly string[]): string => parts.join("\n");

/** The live run that the reference means: its id, tenant and shard must all be right. */
export function findLive({ runs }: Tables, { runId, tenant, shard }: RunRef): RunRow | undefined {
  const row = runs.get(runId);
  return row?.tenant === tenant && row.shard === shard ? row : undefined;
}

export function findPast({ history }: Tables, ref: RunRef): FinishedRun | undefined {
  const past = history.get(ref.runId);
  return past?.run.tenant === ref.tenant && past.run.shard === ref.shard ? past : undefined;
}

export const journalOf = ({ journal }: Tables, id: RunId): readonly JournalRow[] =>
  journal.get(id) ?? [];

export const inboxOf = ({ inbox }: Tables, id: RunId): Inbox => inbox.get(id) ?? new Map();

export const waitingIn = (inbox: Inbox): readonly Message[] =>
  [...inbox.values()].filter((row) => !row.consumed).map((row) => row.message);

/** A message whose id is there already is a repeat, and the first stays. */
export function sendFrom(
  { outbox }: Tables,
  from: RunRef,
  messages: readonly OutboxMessage[],
): void {
  for (const message of messages) {
    const place = placeOf(from.tenant, from.runId, message.id);
    if (!outbox.has(place)) outbox.set(place, { from, message });
  }
}

export function writeAudit({ audit }: Tables, row: Audit | null): void {
  if (row !== null) audit.set((audit.keys().at(-1) ?? -1) + 1, row);
}

export const recordPlace = (tenant: TenantId, kind: CatalogRecord["kind"], id: string): string =>
  placeOf(tenant, kind, id);

/** As SQLite compares, whatever the language of the machine. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
