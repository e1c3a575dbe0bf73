import type { Failure, JsonText, Run, RunId, Timestamp } from "@millrace/protocol";
import { assertNever } from "../core/assert-never.ts";
import type { Entry, Outcome, Wait } from "../core/entry.ts";

interface EventBase {
  /** Place of the entry in the journal, from 1. */
  readonly sequence: number;
  readonly at: Timestamp;
}

/** A journal entry as a reader sees it. */
export type RunEvent =
  | (EventBase & {
      readonly type: "step.completed";
      readonly step: string;
      readonly attempt: number;
      readonly startedAt: Timestamp;
      readonly output: JsonText;
    })
  | (EventBase & {
      readonly type: "step.failed";
      readonly step: string;
      readonly attempt: number;
      readonly startedAt: Timestamp;
      readonly failure: Failure;
      /** null: it was the last attempt. */
      readonly retryAt: Timestamp | null;
    })
  | (EventBase & { readonly type: "step.waiting"; readonly step: string; readonly wait: Wait })
  | (EventBase & { readonly type: "message.received"; readonly message: ReceivedMessage });

export type ReceivedMessage =
  | { readonly kind: "cancel"; readonly reason: string | null }
  | {
      readonly kind: "signal";
      readonly name: string;
      readonly data: JsonText;
      /** The wait that it was meant for. null: any of that name. */
      readonly step: string | null;
    }
  /** It overran its time. */
  | { readonly kind: "limit"; readonly failure: Failure }
  | {
      readonly kind: "child.finished";
      readonly step: string;
      readonly runId: RunId;
      readonly status: Outcome["status"];
    };

/** What a reader who follows a run is told, in this order. */
export type FeedItem =
  /** First, and once: the run as it is. */
  | { readonly type: "run"; readonly run: Run }
  | RunEvent
  /** A body begins on this node. Not journaled: whoever comes later, or reads elsewhere, does not hear of it. */
  | {
      readonly type: "step.started";
      readonly step: string;
      readonly attempt: number;
      readonly at: Timestamp;
    }
  /** Last: the run has ended. `sequence`: one more than that of the last entry. */
  | { readonly type: "end"; readonly run: Run; readonly sequence: number };

export function toRunEvent(entry: Entry, sequence: number): RunEvent {
  const { startedAt, endedAt: at } = entry;
  switch (entry.kind) {
    case "result": {
      const { key: step, attempt, output } = entry;
      return { type: "step.completed", sequence, at, step, attempt, startedAt, output };
    }
    case "failure": {
      const { key: step, attempt, failure, retryAt } = entry;
      return { type: "step.failed", sequence, at, step, attempt, startedAt, failure, retryAt };
    }
    case "wait":
      return { type: "step.waiting", sequence, at, step: entry.key, wait: entry.wait };
    case "message":
      return { type: "message.received", sequence, at, message: toReceived(entry) };
    default:
      return assertNever(entry);
  }
}

function toReceived({ message }: Extract<Entry, { kind: "message" }>): ReceivedMessage {
  const { body } = message;
  switch (body.kind) {
    case "cancel":
      return { kind: "cancel", reason: body.reason };
    case "child.finished": {
      const { key: step, childId: runId, outcome } = body;
      return { kind: "child.finished", step, runId, status: outcome.status };
    }
    case "signal": {
      const { kind, name, data, key: step } = body;
      return { kind, name, data, step };
    }
    case "limit":
      return { kind: "limit", failure: body.failure };
    default:
      return assertNever(body);
  }
}
