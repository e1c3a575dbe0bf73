import type { Failure, JsonText, RunId, Timestamp } from "@millrace/protocol";
import type { Message, Outcome } from "./entry.ts";
import type { OperationBody } from "./program.ts";
import type { OutboxMessage, RunHead } from "./run-head.ts";
import type { Change } from "./state.ts";

/** What happened, told to one run. `at` is the store's time. */
export type Fact =
  /** A registered operation begins, or goes on after a replay. */
  | { readonly type: "launched"; readonly key: string; readonly at: Timestamp }
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
  /** The run may not go on: its deadline passed, or its journal is full. */
  | { readonly type: "limit.exceeded"; readonly failure: Failure; readonly at: Timestamp }
  /** Bodies were told to stop and had their grace; those that still run count no more. */
  | { readonly type: "bodies.abandoned"; readonly at: Timestamp };

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
    }
  /** Say `timer.fired` for `key` at `at`. */
  | { readonly type: "set.timer"; readonly key: string; readonly at: Timestamp }
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
/** Sent by a run that ends early to a child that it no longer wants. */
export const cancelMessageId = (parent: RunId, key: string): string => `${parent}/cancel/${key}`;
