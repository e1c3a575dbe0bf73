import {
  asJsonText,
  shardOf,
  type JsonText,
  type ParentLink,
  type Timestamp,
} from "@millrace/protocol";
import { rebuild } from "../core/drive.ts";
import type { Outcome } from "../core/entry.ts";
import { finishedMessageId } from "../core/fact.ts";
import type { OutboxMessage, RunHead } from "../core/run-head.ts";
import { createRunState } from "../core/state.ts";
import { letGo } from "../core/transition.ts";
import type { HistoryRow, NextState } from "../storage/storage.ts";
import type { ResidentRun } from "./resident-run.ts";
import { expiryOf, type Retention } from "./retention.ts";

/** A run that has ended, as history keeps it, and for how long. */
export function toFinish(
  run: ResidentRun,
  outcome: Outcome,
  finishedAt: Timestamp,
  retention: Retention,
): Extract<NextState, { kind: "finish" }> {
  const { head, startedAt, cancelRequestedAt, state, retentionMs } = run;
  const history: HistoryRow = {
    ...head,
    status: outcome.status,
    startedAt,
    finishedAt,
    cancelRequestedAt,
    result: resultOf(outcome),
  };
  const expiresOn = expiryOf(history, retentionMs, retention);
  return { kind: "finish", history, journal: state.journal, expiresOn };
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

/** What others hold for a run as it is stored, whatever its owner has decided since and could not store. */
export function releasesOf({ head, state, committed }: ResidentRun): readonly OutboxMessage[] {
  const stored = createRunState(head, state.payloadBytes, state.isHosted);
  rebuild(stored, state.journal.slice(0, committed));
  return letGo(stored);
}
