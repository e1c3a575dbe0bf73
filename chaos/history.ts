// All that is known of a chaos run at its end: what clients were told, what bodies wrote, and what the store holds. The
// checker looks at nothing else.
import type { BodyLine } from "./body-log.ts";

/** One run that somebody wanted, however often it was asked for. */
export interface StartRecord {
  /** Idempotency key, and `metadata.intent` of the run. */
  readonly intent: string;
  readonly workflow: string;
  /** Chosen name of the run. */
  readonly name: string | null;
  /** Ids that were answered, in the order of the answers. Empty: nobody has acknowledged it. */
  readonly answers: readonly string[];
  /** How many of the answers said that the run was new. */
  readonly newCount: number;
}

/** A signal to a run, or an event to all who listen to a topic. */
export interface SentRecord {
  readonly id: string;
  /** Intent of the receiver, or the topic. */
  readonly to: string;
  /** 0, 1, …: each was sent when the one before was acknowledged, or behind it in the same request. */
  readonly sequence: number;
  readonly isAcknowledged: boolean;
  /** All of them went in one request. */
  readonly isBurst: boolean;
}

export interface StoredEntry {
  readonly kind: string;
  readonly key: string | null;
  readonly attempt: number | null;
  /** JSON. */
  readonly body: string;
}

export interface StoredRun {
  readonly id: string;
  readonly workflow: string;
  readonly intent: string | null;
  readonly parent: { readonly runId: string; readonly step: string } | null;
  /** null: it has not ended. */
  readonly status: string | null;
  readonly fence: number;
  /** JSON; null: it has none. */
  readonly result: string | null;
  /** Of a run that has not ended. */
  readonly waitingOn: string | null;
  readonly journal: readonly StoredEntry[];
}

/** What a node says of a run. */
export interface View {
  readonly node: string;
  readonly runId: string;
  /** What was asked for: an id or a name. */
  readonly asked: string;
  /** null: not found. */
  readonly shown: { readonly id: string; readonly status: string } | null;
}

export interface History {
  readonly starts: readonly StartRecord[];
  readonly signals: readonly SentRecord[];
  readonly events: readonly SentRecord[];
  /** Intents of listeners, by their topic. */
  readonly listeners: ReadonlyMap<string, readonly string[]>;
  /** Intents whose cancel was acknowledged. */
  readonly cancels: ReadonlySet<string>;
  /** By run id: the end that a client was told of. */
  readonly seenEnds: ReadonlyMap<string, string>;
  /** What no server may answer, a sentence each. */
  readonly badAnswers: readonly string[];
  readonly bodies: readonly BodyLine[];
  readonly runs: readonly StoredRun[];
  /** Idempotency keys in the store, and their runs. */
  readonly keys: readonly { readonly key: string; readonly runId: string }[];
  /** By what it is: rows that should not be there when all has ended. */
  readonly leftovers: Readonly<Record<string, number>>;
  /** By run id: the highest fence that was seen while it lived. */
  readonly fences: ReadonlyMap<string, number>;
  /** Runs whose fence was seen to fall, a sentence each. */
  readonly fallenFences: readonly string[];
  readonly views: readonly View[];
  /** Processes that ended by themselves, a sentence each. */
  readonly exits: readonly string[];
}
