// The port: all that the engine asks of a database on its hot path. An adapter decides nothing; it stores
// decisions. Every write is a unit inside `commit`, is fenced, and may be repeated.
//
//   P1. A unit is whole or nothing; a transaction carries many units; each unit gets its own outcome, in order.
//   P2. `commit` resolves only when everything it answers is durable.
//   P3. Sending a unit again is harmless and answers as the first time.
//   P4. A run is written only under its present fence by its present owner; anybody else gets `lost`.
//   P5. Delivering a message always grows `wake`; giving a run up looks at it, so no wake-up is lost.
import type {
  FinishedStatus,
  JsonText,
  NodeId,
  RunId,
  RunSummary,
  Shard,
  TenantId,
  Timestamp,
  WaitingOn,
  WorkflowId,
} from "@millrace/protocol";
import type { Entry, Message } from "../core/entry.ts";
import type { OutboxMessage, PublishedEvent, RunHead, RunRef } from "../core/run-head.ts";
import type { RunFilter } from "./run-filter.ts";
import type { Audit, AuditFilter, AuditPage, Catalog } from "./catalog.ts";
import type { KeyWindows } from "./key-windows.ts";

export type { OutboxMessage, PublishedEvent, RunHead, RunRef } from "../core/run-head.ts";

/** A queue of group commit: one for SQLite and PostgreSQL, one a shard group elsewhere. */
export type Lane = number;

/** A live run: its head and what changes. */
export interface RunRow extends RunHead {
  /** `pending` until a node has owned it. */
  readonly status: "pending" | "running";
  readonly owner: NodeId | null;
  /** Grows at each change of owner. */
  readonly fence: number;
  /** Grows with each message delivered. */
  readonly wake: number;
  /** Set on every live run that nobody owns and that is not a pure wait for a message. */
  readonly dueAt: Timestamp | null;
  /** How often in a row it was taken from a dead owner without a journal entry since. */
  readonly recoveries: number;
  readonly waitingOn: WaitingOn | null;
  readonly cancelRequestedAt: Timestamp | null;
  readonly startedAt: Timestamp | null;
}

/** A finished run as history keeps it: one row with its journal packed. */
export interface HistoryRow extends RunHead {
  readonly status: FinishedStatus;
  readonly startedAt: Timestamp | null;
  readonly finishedAt: Timestamp;
  readonly cancelRequestedAt: Timestamp | null;
  /** JSON of the output (completed) or of the `Failure` (failed); null: cancelled. */
  readonly result: JsonText | null;
}

/** Makes a run, and its idempotency key with it. */
export interface StartUnit {
  readonly kind: "start";
  readonly run: RunHead;
  /**
   * The node owns the run from its first moment, or null: it is due at `dueAt`. The first fence is 1 either way, so
   * that 1 always means "owned since its start": whoever takes it has more.
   */
  readonly owner: NodeId | null;
  readonly dueAt: Timestamp;
  /** Of a run that nobody owns: what it waits for from its first moment. null: nothing, whoever has room may begin it. */
  readonly waitingOn: WaitingOn | null;
  /** If the key is there and has not expired: outcome `existing`, and nothing is written. */
  readonly key: StartKey | null;
  /** Refused with `workflow.changed` unless the workflow's catalog record has this revision now. */
  readonly workflowRevision: number | null;
  /** The journal that the run begins with: what it takes over from the run that it retries. */
  readonly entries: readonly Entry[];
  readonly audit: Audit | null;
}

export interface StartKey {
  /** What the key is unique in: a workflow's id. With the tenant. */
  readonly scope: string;
  readonly key: string;
  readonly payloadHash: string;
  readonly expiresAt: Timestamp;
  /** A key whose run has failed counts as unknown, and stands for this run from now on. */
  readonly reusesAfterFailure: boolean;
}

/** One run's journal entries with everything that must be true with them. */
export interface RunUnit {
  readonly kind: "run";
  readonly ref: RunRef;
  readonly fence: number;
  /** Place of the first entry in the journal, from 1. */
  readonly sequence: number;
  readonly entries: readonly Entry[];
  readonly outbox: readonly OutboxMessage[];
  /** Ids of inbox messages that `entries` journal; they are not handed out again. */
  readonly consumed: readonly string[];
  /** True: `recoveries` goes back to 0. Only said when it is not 0 already. */
  readonly recovered: boolean;
  readonly next: NextState;
}

export type NextState =
  | { readonly kind: "keep" }
  /**
   * Gives the run up. If `wake` differs from `seenWake`, it is due now, whatever `dueAt` says. A run without entries
   * that waits for a worker is `pending` again: nobody has begun it.
   */
  | {
      readonly kind: "park";
      /** null: only a message can wake it. */
      readonly dueAt: Timestamp | null;
      readonly waitingOn: WaitingOn | null;
      readonly seenWake: number;
    }
  /** Moves the run to history; deletes its journal, inbox and row. Its outbox stays until delivered. */
  | {
      readonly kind: "finish";
      readonly history: HistoryRow;
      /** The whole journal, with `entries`. */
      readonly journal: readonly Entry[];
      /** From then on a pass may prune the run (see `reap`). null: it is kept for ever. */
      readonly expiresOn: Timestamp | null;
    };

/** Puts a message into a live run's inbox; refused with `run.finished` or `run.not-found` otherwise. */
export interface DeliveryUnit {
  readonly kind: "delivery";
  readonly to: RunRef;
  readonly message: Message;
  readonly audit: Audit | null;
}

/** Forgets outbox messages that have been delivered, or never can be. */
export interface SentUnit {
  readonly kind: "sent";
  readonly from: RunRef;
  readonly ids: readonly string[];
}

/**
 * Stores an event, ends every subscription to its name, and puts a signal for each into the outbox (see
 * `toSignals`). One that is known by its id is answered as the first time, with what was stored then.
 */
export interface PublishUnit {
  readonly kind: "publish";
  readonly tenant: TenantId;
  /** Of the event's name: `shardOfEvent`. */
  readonly shard: Shard;
  /** Counts as published now, if its own time is earlier. */
  readonly event: PublishedEvent;
  /** From then on it may be forgotten, and with it whom it has reached. */
  readonly expiresAt: Timestamp;
}

/**
 * A run's operation waits for an event. If one was published from `since` on, before `until`, that this run has not
 * had, it gets the oldest such at once: a signal is put into the outbox. Otherwise the next one that is published.
 * Either way it gets one, however often this is sent, and none after its `UnsubscribeUnit`.
 */
export interface SubscribeUnit {
  readonly kind: "subscribe";
  /** The run that waits, where it lives. */
  readonly run: RunRef;
  /** Of the event's name: `shardOfEvent`. */
  readonly shard: Shard;
  readonly event: string;
  /** Of the operation. */
  readonly key: string;
  readonly since: Timestamp;
  /** Nothing reaches it from then on. null: it has no end. */
  readonly until: Timestamp | null;
  /** From then on it may be forgotten that it got one. */
  readonly expiresAt: Timestamp;
}

/** The operation waits no more. May come before its `SubscribeUnit`, which then does nothing. */
export interface UnsubscribeUnit {
  readonly kind: "unsubscribe";
  readonly tenant: TenantId;
  readonly runId: RunId;
  /** Of the event's name: `shardOfEvent`. */
  readonly shard: Shard;
  readonly event: string;
  readonly key: string;
  readonly expiresAt: Timestamp;
}

export type Unit =
  StartUnit | RunUnit | DeliveryUnit | SentUnit | PublishUnit | SubscribeUnit | UnsubscribeUnit;

/** An operation that an event has reached. */
export interface ReachedWaiter {
  readonly runId: RunId;
  /** Of the run. */
  readonly shard: Shard;
  readonly key: string;
}

export type RefusalCode = "workflow.changed" | "run.finished" | "run.not-found";

export type CommitOutcome =
  | { readonly kind: "done" }
  /**
   * A start that had been accepted before: by its key, or by its own id (`payloadHash` null). A repeat of a start
   * whose node still owns the run since that start (fence 1) is `done`, or nobody would move the run.
   */
  | { readonly kind: "existing"; readonly runId: RunId; readonly payloadHash: string | null }
  /** A start whose name a live run has. Runs of one name share their shard. */
  | { readonly kind: "named"; readonly runId: RunId }
  /** The run has another owner or fence now, or none. */
  | { readonly kind: "lost" }
  | { readonly kind: "refused"; readonly code: RefusalCode }
  /** As it was stored, and whom it reached in that moment: by `since`, run and key. */
  | {
      readonly kind: "published";
      readonly event: PublishedEvent;
      readonly waiters: readonly ReachedWaiter[];
    }
  /** With the event that ended the subscription, if it has ended by one that is still known. */
  | { readonly kind: "subscribed"; readonly found: PublishedEvent | null };

export interface DueRun extends RunRef {
  readonly fence: number;
}

export interface Due {
  /** By priority, then due time, then id. */
  readonly runs: readonly DueRun[];
  /** When the next one not among `runs` falls due; null: none, or not known because `limit` was reached. */
  readonly nextDueAt: Timestamp | null;
}

/** A run that this node owns. `run.fence` grew when it was taken, and shuts out late writers. */
export interface Held {
  readonly run: RunRow;
  readonly journal: readonly Entry[];
  /** Messages not yet journaled, oldest first. */
  readonly inbox: readonly Message[];
  /**
   * A row of it that cannot be read: it is damaged, or of a later release. Then journal and inbox are empty, and all
   * that can be done is to give the run back.
   */
  readonly unreadable?: string;
}

/** What a heartbeat answers with besides the time: what a look at the store is worth now. Hints, read without locks. */
export interface Pulse {
  /** The store's time. */
  readonly now: Timestamp;
  /** When the first run that nobody owns falls due, or fell. null: none waits for a time. */
  readonly dueAt: Timestamp | null;
  /** Messages wait for runs that this node owns. */
  readonly inbox: boolean;
  /** Messages wait in outboxes, whoever's. */
  readonly outbox: boolean;
  /** When `reap` is worth its while: the first end of another node's lease; in the past: at once. null: no time is known. */
  readonly reapAt: Timestamp | null;
  /** All that hold a lease, this one among them. */
  readonly nodes: readonly NodeId[];
}

/**
 * A word from one node to others of the same store. It may be late, doubled or lost: a node that hears none finds all
 * by its pulses, later.
 */
export type Hint =
  /** Runs are due that the sender has no room for. */
  | { readonly kind: "due" }
  /** A message waits for a run that the receiver owns. */
  | { readonly kind: "inbox"; readonly run: RunRef }
  /** `node` wants to hear `moved` of a run that the receiver owns, for a while. */
  | { readonly kind: "watch"; readonly run: RunRef; readonly node: NodeId }
  /** Something happened to a run that the receiver watches. */
  | { readonly kind: "moved"; readonly run: RunRef }
  /** A run waits for a worker that has this version of its workflow. Its readers at `node` want to hear of it. */
  | {
      readonly kind: "awaiting";
      readonly run: DueRun;
      readonly node: NodeId;
      readonly workflow: WorkflowId;
      readonly version: number;
    }
  /** The same, of a run that waits for a worker with this function. */
  | {
      readonly kind: "awaiting-function";
      readonly run: DueRun;
      readonly node: NodeId;
      readonly function: string;
    };

export interface Hints {
  /**
   * False: what is told reaches nobody at this time, although there may be somebody. Nodes look every second then,
   * also when they are idle. May change.
   */
  readonly travels: boolean;
  /** Does not wait, and never fails. @param to null: all other nodes */
  tell(to: NodeId | null, hint: Hint): void;
  /** Hears what is told to `node`, which has joined here, or to all. @returns ends it */
  listen(node: NodeId, hear: (hint: Hint) => void): () => void;
}

export interface ReapRequest {
  /** Rows of the audit that are older are removed. null: none are. */
  readonly auditMs: number | null;
  /** No ended run is removed. Default: those that have expired are. */
  readonly keepsHistory?: boolean;
}

export interface Reaped {
  /** How many runs were freed. */
  readonly freed: number;
  /** How many ended runs were removed. */
  readonly pruned: number;
  /** More has expired than one pass takes. */
  readonly isMore: boolean;
}

export interface NodeDescription {
  readonly id: NodeId;
  readonly host: string;
  readonly pid: number;
}

/** Questions; they decide nothing. The answer's type follows from `kind` (see `Answers`). */
export type Query =
  | { readonly kind: "run"; readonly tenant: TenantId; readonly runId: RunId }
  /** Newest first; `before` is where the page before ended. */
  | {
      readonly kind: "runs";
      readonly tenant: TenantId;
      readonly before: RunId | null;
      readonly limit: number;
      /** Default: all runs. */
      readonly filter?: RunFilter;
    }
  | {
      readonly kind: "key";
      readonly tenant: TenantId;
      readonly scope: string;
      readonly key: string;
    }
  /** The live run of that name, else the newest of those that have ended. */
  | { readonly kind: "named"; readonly tenant: TenantId; readonly name: string }
  /** Messages that wait for runs which this node owns: the safety net of lost hints. */
  | { readonly kind: "inbox"; readonly node: NodeId; readonly limit: number }
  /** Outbox messages of any run, oldest first: the safety net of lost couriers. */
  | { readonly kind: "outbox"; readonly limit: number }
  /** Runs that nobody owns and that wait for a worker with this version of their workflow, by priority, then age. */
  | {
      readonly kind: "awaiting";
      readonly tenant: TenantId;
      readonly workflow: WorkflowId;
      readonly version: number;
      readonly limit: number;
    }
  /** The same, of those that wait for a worker with this function. */
  | {
      readonly kind: "awaiting-function";
      readonly tenant: TenantId;
      readonly function: string;
      readonly limit: number;
    }
  /** Which of these functions runs wait for, in no order. */
  | {
      readonly kind: "awaited-functions";
      readonly tenant: TenantId;
      readonly functions: readonly string[];
    }
  /** Operations that wait for an event, by `since`, run and key. */
  | {
      readonly kind: "waiters";
      readonly tenant: TenantId;
      readonly event: string;
      readonly limit: number;
    }
  | { readonly kind: "counts" }
  /** Newest first. */
  | ({ readonly kind: "audit"; readonly tenant: TenantId; readonly limit: number } & AuditFilter);

export interface Answers {
  readonly run:
    | { readonly live: RunRow; readonly journal: readonly Entry[] }
    | { readonly finished: HistoryRow; readonly journal: readonly Entry[] }
    | null;
  readonly runs: RunPage;
  readonly key: { readonly runId: RunId; readonly payloadHash: string } | null;
  readonly named: RunId | null;
  readonly inbox: readonly InboxRow[];
  readonly outbox: readonly OutboxRow[];
  readonly awaiting: readonly DueRun[];
  readonly "awaiting-function": readonly DueRun[];
  readonly "awaited-functions": readonly string[];
  readonly waiters: readonly EventWaiter[];
  readonly counts: {
    readonly live: number;
    readonly due: number;
    readonly finished: number;
    readonly outbox: number;
  };
  readonly audit: AuditPage;
}

export type InboxRow = { readonly to: RunRef } & (
  { readonly message: Message } | UnreadableMessage
);

export type OutboxRow = { readonly from: RunRef } & (
  { readonly message: OutboxMessage } | UnreadableMessage
);

/** Its row is damaged, or of a later release. It stays where it is, and does not hold up others. */
export interface UnreadableMessage {
  /** Which message, and what is wrong with it. */
  readonly unreadable: string;
}

/** An operation that waits for an event. */
export interface EventWaiter {
  readonly runId: RunId;
  readonly key: string;
  /** An event that was published from then on counts. */
  readonly since: Timestamp;
  readonly until: Timestamp | null;
}

export interface RunPage {
  readonly runs: readonly (RunSummary & { readonly waitingOn: WaitingOn | null })[];
  /**
   * The list was left off here, because a filter without an index would have made one call read too many rows: go on
   * with this as `before`, even if `runs` is empty. null: `limit` was reached, or the end.
   */
  readonly next: RunId | null;
}

export interface Storage {
  readonly catalog: Catalog;
  /** Number of lanes; `laneOf(shard)` is `shard % lanes`. */
  readonly lanes: number;
  /** How long a node lives without a heartbeat, in ms. */
  readonly leaseMs: number;
  /** Only one process can have it open, so whatever is written, this one writes. */
  readonly isExclusive?: true;
  /** Between nodes. A store of one process carries none. */
  readonly hints: Hints;
  /** Where requests of API keys are counted for all nodes. A store of one process has none: it counts in its memory. */
  readonly keyWindows?: KeyWindows;

  /** Brings the schema up to date. Before anything else. @throws {MillraceError} storage.newer */
  migrate(): Promise<void>;
  /** Announces a node, which holds a lease from now on. An id lives once. @returns the store's time */
  join(node: NodeDescription): Promise<Timestamp>;
  /** Renews the lease. @throws {MillraceError} storage.fenced-node: declared dead */
  beat(node: NodeId): Promise<Pulse>;
  /**
   * Declares nodes dead whose lease ran out, then frees *every* run whose owner is not a live node (not only
   * theirs): due now, `recoveries` + 1. Forgets keys, events and subscriptions that have expired. Prunes history: removes
   * ended runs that have expired, up to a few thousand; one of which a message is under way still, or whose start may
   * come once more, is kept on for `KEEP_ON_MS`. Level-triggered, safe from any node at any time.
   * @param request default: nothing is removed from the audit
   */
  reap(request?: ReapRequest): Promise<Reaped>;

  /**
   * One transaction in one lane (P1 to P5).
   * @throws {MillraceError} storage.unavailable: outcome unknown, send again; storage.full: nothing written, send
   * again later; storage.rejected: one of the units is at fault, and of several some may be written: send each again,
   * and the one at fault has written nothing; storage.failed: stop;
   * storage.fenced-node: nothing written, this node was declared dead
   */
  commit(lane: Lane, node: NodeId, units: readonly Unit[]): Promise<readonly CommitOutcome[]>;
  /** Due runs that nobody owns. A hint, read without locks. `shards` null: all. */
  findDue(shards: readonly Shard[] | null, limit: number): Promise<Due>;
  /**
   * Owns those of `due` that are still as found (same fence, no owner), and reads all that is needed to go on.
   * May return fewer: those before which as much was taken as one call reads (`MOST_TAKEN_CHARACTERS`) are left as they
   * were. Sets `startedAt` if it was null, status `running`, and `waitingOn` null: it moves. May be
   * repeated when the answer was lost: those that `node` owns with exactly the next fence are returned as they are.
   * @throws {MillraceError} storage.fenced-node: nothing taken, this node was declared dead
   */
  take(node: NodeId, due: readonly DueRun[]): Promise<readonly Held[]>;
  read<K extends Query["kind"]>(query: Extract<Query, { kind: K }>): Promise<Answers[K]>;
  /** Calls back when runs may be due or messages may wait. A hint: it may be late, doubled or missing. */
  onWake(listener: () => void): () => void;
  close(): Promise<void>;
}
