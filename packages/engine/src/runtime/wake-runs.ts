import { shardOf, type RandomSource, type RunId, type TenantId } from "@millrace/protocol";
import type { RunRef } from "../core/run-head.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Makes runs due that wait for something which is not in the store. A run that has ended meanwhile is left alone. */
export function wakeRuns(
  tenant: TenantId,
  runIds: readonly RunId[],
  commitFor: (ref: RunRef) => GroupCommit,
  random: RandomSource,
): void {
  const id = `wake/${random().toString(36)}${random().toString(36)}`;
  for (const runId of runIds) {
    const to: RunRef = { tenant, shard: shardOf(runId), runId };
    const message = { id, body: { kind: "wake" } } as const;
    // If it is lost, the run is looked at again by itself.
    const settle = (): void => {};
    commitFor(to).submit({
      unit: { kind: "delivery", to, message, audit: null },
      settle,
      refusable: false,
    });
  }
}
