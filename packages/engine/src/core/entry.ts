import type { Failure, JsonText, Outcome, RunId, Timestamp } from "@millrace/protocol";

export type { Outcome } from "@millrace/protocol";

/** What one run, or a door, sends to a run. Stored in the receiver's inbox until its owner journals it. */
export type MessageBody =
  | {
      readonly kind: "child.finished";
      readonly key: string;
      readonly childId: RunId;
      readonly outcome: Outcome;
    }
  | { readonly kind: "cancel"; readonly reason: string | null }
  /** From a run, a door, or an event that was published. Kept until a wait of that name takes it. */
  | {
      readonly kind: "signal";
      readonly name: string;
      readonly data: JsonText;
      /** The wait that it was meant for, which has it before others; null: the oldest one of that name. */
      readonly key: string | null;
    }
  /** The run's own: it overran its time, so what follows is compensation. Of code runs only. */
  | { readonly kind: "limit"; readonly failure: Failure }
  /** A worker that offers its workflow is here; leaves no entry. */
  | { readonly kind: "wake" };

export interface Message {
  /** Unique for its receiver, and the same each time it is sent. */
  readonly id: string;
  readonly body: MessageBody;
}

export interface JournaledMessage extends Message {
  readonly body: Exclude<MessageBody, { readonly kind: "wake" }>;
}

/** What an operation waits for, fixed when the wait was journaled. */
export type Wait =
  | { readonly kind: "timer"; readonly until: Timestamp }
  | { readonly kind: "child"; readonly childId: RunId; readonly isAbandoned?: boolean }
  /** Until null: for ever. */
  | { readonly kind: "event"; readonly event: string; readonly until: Timestamp | null };

interface EntryBase {
  /** Length of the journal when the operation was requested: replay compares it. */
  readonly position: number;
  readonly startedAt: Timestamp;
  readonly endedAt: Timestamp;
}

/**
 * A committed fact of a run. The journal is the list of them; state is their fold, and nothing else.
 * The place in the list (1, 2, …) is the entry's sequence number.
 */
export type Entry =
  /** The operation ended well. */
  | (EntryBase & {
      readonly kind: "result";
      readonly key: string;
      readonly attempt: number;
      readonly output: JsonText;
    })
  /** An attempt failed; null `retryAt`: it was the last. */
  | (EntryBase & {
      readonly kind: "failure";
      readonly key: string;
      readonly attempt: number;
      readonly failure: Failure;
      readonly retryAt: Timestamp | null;
    })
  /** The operation began to wait; a result, failure or message ends it. */
  | (EntryBase & { readonly kind: "wait"; readonly key: string; readonly wait: Wait })
  /** A message left the inbox. */
  | (EntryBase & { readonly kind: "message"; readonly message: JournaledMessage });
