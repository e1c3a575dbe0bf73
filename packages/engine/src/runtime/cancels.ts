import { shardOf, type Timestamp } from "@millrace/protocol";
import type { Message } from "../core/entry.ts";
import type { RunRef } from "../core/run-head.ts";
import { toAudit } from "./audit.ts";
import type { CancelOutcome, CancelRequest } from "./commands.ts";
import { deliverMessage } from "./deliver-message.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Runner } from "./runner.ts";

/** A cancellation is a message: its owner hears of it at once, and a run without owner is due for it. */
export async function cancelRun(
  { tenant, runId, reason, actor }: CancelRequest,
  at: Timestamp,
  commitFor: (ref: RunRef) => GroupCommit,
  runner: Runner,
): Promise<CancelOutcome> {
  const to: RunRef = { tenant, shard: shardOf(runId), runId };
  // One a run: a second request finds the first.
  const message: Message = { id: `${runId}/cancel`, body: { kind: "cancel", reason } };
  const audit = toAudit(at, { tenant, actor, action: "run.cancel", target: runId });
  const error = await deliverMessage(to, message, audit, { commitFor, runner });
  return error === null ? { kind: "requested" } : { kind: "rejected", error };
}
