import { MillraceError, shardOf, type Timestamp } from "@millrace/protocol";
import type { Message } from "../core/entry.ts";
import type { RunRef } from "../core/run-head.ts";
import { toAudit } from "./audit.ts";
import type { CancelOutcome, CancelRequest } from "./commands.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Runner } from "./runner.ts";

/** A cancellation is a message: its owner hears of it at once, and a run without owner is due for it. */
export function cancelRun(
  { tenant, runId, reason, actor }: CancelRequest,
  at: Timestamp,
  commitFor: (ref: RunRef) => GroupCommit,
  runner: Runner,
): Promise<CancelOutcome> {
  const to: RunRef = { tenant, shard: shardOf(runId), runId };
  // One a run: a second request finds the first.
  const message: Message = { id: `${runId}/cancel`, body: { kind: "cancel", reason } };
  const audit = toAudit(at, { tenant, actor, action: "run.cancel", target: runId });
  return new Promise((resolve) => {
    const reject = (error: MillraceError): void => resolve({ kind: "rejected", error });
    commitFor(to).submit({
      unit: { kind: "delivery", to, message, audit },
      refusable: true,
      unknown: () => reject(new MillraceError("storage.outcome-unknown")),
      settle: (outcome) => {
        if (outcome.kind === "done") {
          runner.tell(to, message);
          resolve({ kind: "requested" });
        } else if (outcome.kind === "fault") {
          reject(outcome.error);
        } else if (outcome.kind === "refused" && outcome.code === "run.finished") {
          reject(new MillraceError("run.finished", "The run has ended already"));
        } else {
          reject(new MillraceError("run.not-found", "Run not found"));
        }
      },
    });
  });
}
