// Where a new run begins.
//
//   N1. At this node, if it has room and that overtakes nobody who waits: that saves a find and a take.
//   N2. A code run for which no worker is here waits for one from its first moment, and other nodes hear of it: nobody
//       takes it just to give it back.
//   N3. Whatever else waits in the store, due.
import type { NodeId, Timestamp } from "@millrace/protocol";
import type { RunHead } from "../core/run-head.ts";
import type { StartUnit } from "../storage/storage.ts";
import { awaitWorker } from "./await-worker.ts";
import type { Hosts } from "./hosts.ts";
import type { CompiledWorkflow } from "./program-kind.ts";

/** @param program undefined: not loaded here, so that whoever takes the run loads it */
export type PlaceNewRun = (
  run: RunHead,
  program: CompiledWorkflow | undefined,
  dueAt: Timestamp,
) => Pick<StartUnit, "owner" | "dueAt" | "waitingOn">;

export interface PlaceNewRunsOptions {
  readonly hosts: Pick<Hosts, "has">;
  /** The node that may own a new run; null: it has no room, or others wait for it. */
  readonly ownerOfNew: () => NodeId | null;
  readonly now: () => Timestamp;
}

export function createPlaceNewRun({ hosts, ownerOfNew, now }: PlaceNewRunsOptions): PlaceNewRun {
  return (run, program, dueAt) => {
    // One that begins later waits in the store, where the claimer finds it then.
    if (program === undefined || dueAt > run.createdAt)
      return { owner: null, dueAt, waitingOn: null };
    const { code } = program;
    if (code !== undefined && !hosts.has(run.tenant, code))
      return { owner: null, ...awaitWorker(run, code, now()) };
    return { owner: ownerOfNew(), dueAt, waitingOn: null };
  };
}
