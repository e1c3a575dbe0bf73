import { MillraceError } from "@millrace/protocol";
import type { RunRef } from "../core/run-head.ts";
import type { StartUnit } from "../storage/storage.ts";
import type { GroupCommit, Settled } from "./group-commit.ts";
import type { Metrics } from "./metrics.ts";
import type { CompiledWorkflow } from "./program-kind.ts";
import type { Runner } from "./runner.ts";

export interface CommitStartContext {
  readonly runner: Runner;
  readonly commitFor: (ref: RunRef) => GroupCommit;
  readonly metrics: Metrics;
}

/** What can become of a start. */
export type StartSettled = Exclude<Settled, { kind: "published" | "subscribed" }>;

/** Stores a new run, and begins it if this node owns it, or tells of it if it waits for a worker. */
export function commitStart(
  unit: StartUnit,
  compiled: CompiledWorkflow,
  { runner, commitFor, metrics }: CommitStartContext,
): Promise<StartSettled> {
  const { id: runId, tenant, shard } = unit.run;
  return new Promise((resolve) => {
    commitFor({ tenant, shard, runId }).submit({
      unit,
      refusable: true,
      settle: (outcome) => {
        if (outcome.kind === "done") {
          // In the turn in which it became durable, so that nobody sees a run that its owner does not know.
          metrics.counters.runsStarted += 1;
          runner.begin(unit, compiled);
        }
        // Its own first sending, of which nobody has heard.
        if (outcome.kind === "existing" && outcome.runId === runId) runner.announce(unit);
        if (outcome.kind === "published" || outcome.kind === "subscribed") {
          throw new Error(`a start was answered with ${outcome.kind}`);
        }
        resolve(outcome);
      },
      unknown: () =>
        resolve({ kind: "fault", error: new MillraceError("storage.outcome-unknown") }),
    });
  });
}

/** What a caller is told when the node could not keep what it wrote. */
export const lostStart = (): MillraceError =>
  new MillraceError(
    "storage.unavailable",
    "The node lost its place while it started the run; repeat",
  );
