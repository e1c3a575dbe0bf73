import {
  asJsonText,
  shardOf,
  type JsonText,
  type ParentLink,
  type Timestamp,
} from "@millrace/protocol";
import type { Outcome } from "../core/entry.ts";
import { finishedMessageId } from "../core/fact.ts";
import type { OutboxMessage, RunHead } from "../core/run-head.ts";
import type { HistoryRow } from "../storage/storage.ts";
import type { ResidentRun } from "./resident-run.ts";

/** A run that has ended, as history keeps it. */
export function toHistory(run: ResidentRun, outcome: Outcome, finishedAt: Timestamp): HistoryRow {
  const { head, startedAt, cancelRequestedAt } = run;
  return {
    ...head,
    status: outcome.status,
    startedAt,
    finishedAt,
    cancelRequestedAt,
    result: resultOf(outcome),
  };
}

function resultOf(outcome: Outcome): JsonText | null {
  switch (outcome.status) {
    case "completed":
      return outcome.output;
    case "failed":
      return asJsonText(JSON.stringify(outcome.failure));
    case "cancelled":
      return null;
  }
}

/** What a child says to the run that waits for it. */
export function replyToParent(child: RunHead, parent: ParentLink, outcome: Outcome): OutboxMessage {
  const id = finishedMessageId(child.id);
  return {
    id,
    to: { tenant: child.tenant, shard: shardOf(parent.runId), runId: parent.runId },
    content: {
      kind: "message",
      message: {
        id,
        body: { kind: "child.finished", key: parent.step, childId: child.id, outcome },
      },
    },
  };
}
