import type {
  Failure,
  JsonText,
  RunId,
  Settlement,
  StopNotice,
  Timestamp,
} from "@millrace/protocol";
import type { Message, Outcome } from "./entry.ts";
import type { OperationBody, Request } from "./program.ts";
import type { OutboxMessage, RunHead } from "./run-head.ts";
import type { Change } from "./state.ts";

/** What happened, told to one run. `at` is the store's time. */
export type Fact =
  /** A registered operation begins, or goes on after a replay. */
  | { readonly type: "launched"; readonly key: string; readonly at: Timestamp }
  /** What the host of a code run wants, having been told everything up to `position`. */
  | {
      readonly type: "asked";
      readonly position: number;
      readonly requests: readonly Request[];
      readonly at: Timestamp;
    }
  /** The program has nothing more to ask. */
  | { readonly type: "program.ended"; readonly outcome: Outcome; readonly at: Timestamp }
  | {
      readonly type: "attempt.completed";
      readonly key: string;
      readonly attempt: number;
      readonly output: JsonText;
      readonly startedAt: Timestamp;
      readonly at: Timestamp;
    }
  | {
      readonly type: "attempt.failed";
      readonly key: string;
      readonly attempt: number;
      readonly failure: Failure;
      readonly retryAfterMs: number | null;
      readonly terminal: boolean;
      readonly startedAt: Timestamp;
      readonly at: Timestamp;
    }
  /** The child's workflow was found and its version fixed. */
  | {
      readonly type: "child.prepared";
      readonly key: string;
      readonly child: RunHead;
      readonly at: Timestamp;
    }
  | { readonly type: "timer.fired"; readonly key: string; readonly at: Timestamp }
  | { readonly type: "message.received"; readonly message: Message; readonly at: Timestamp }
  /** The run may not go on: its deadline passed, or its journal is full (`isFinal`: not even to compensate). */
  | {
      readonly type: "limit.exceeded";
      readonly failure: Failure;
      readonly isFinal: boolean;
      readonly at: Timestamp;
    }
  /** Bodies were told to stop and had their grace; those that still run count no more. */
  | { readonly type: "bodies.abandoned"; readonly at: Timestamp };

/** One that changes a run by itself; what is asked for is registered first and launched then. */
export type TransitionFact = Exclude<Fact, { type: "asked" }>;

/** What the runtime must do, in this order, after the entries of the decision are durable. */
export type Effect =
  | {
      readonly type: "start.attempt";
      readonly key: string;
      readonly attempt: number;
      readonly body: Extract<OperationBody, { kind: "call" }>;
    }
  /** Find the workflow, fix its version and say `child.prepared` (or `attempt.failed`). */
  | {
      readonly type: "prepare.child";
      readonly key: string;
      readonly workflow: string;
      readonly input: JsonText;
      readonly metadata: JsonText;
    }
  /** Say `timer.fired` for `key` at `at`. */
  | { readonly type: "set.timer"; readonly key: string; readonly at: Timestamp }
  /** Hand the host of a code run what has settled. */
  | { readonly type: "tell"; readonly settlement: Settlement }
  /** Let the host of a code run compensate. */
  | { readonly type: "tell.stop"; readonly notice: StopNotice }
  /** Tell every running body of the run to stop, then say `bodies.abandoned` after the grace. */
  | { readonly type: "stop.bodies" };

export type RefusalCode = "run.finished" | "operation.settled" | "message.repeated";

export type Decision =
  | {
      readonly ok: true;
      readonly changes: readonly Change[];
      readonly effects: readonly Effect[];
      /** Stored with the entries. */
      readonly outbox: readonly OutboxMessage[];
    }
  /** A late or repeated fact: nothing changes, and that is no error. */
  | { readonly ok: false; readonly code: RefusalCode };

/** Sent by a run that ends to the run that waits for it; the same however often it is sent. */
export const finishedMessageId = (child: RunId): string => `${child}/finished`;
export const limitMessageId = (run: RunId): string => `${run}/limit`;
/** Sent by a run that ends early to a child that it no longer wants. */
export const cancelMessageId = (parent: RunId, key: string): string => `${parent}/cancel/${key}`;
