import type { RunId } from "@millrace/protocol";
import { assertNever } from "../core/assert-never.ts";
import type { Storage, Unit } from "../storage/storage.ts";

export const CRASH_MOMENTS = ["before-commit", "after-commit"] as const;
/** Of the commit that stores how an attempt ended: nothing of it is written, or all of it, and nobody hears of it. */
export type CrashMoment = (typeof CRASH_MOMENTS)[number];

/** How an attempt ended, as it is stored. */
export interface StoredAttempt {
  readonly runId: RunId;
  /** Key of the step. */
  readonly step: string;
  readonly attempt: number;
}

/** @returns true: the process ends here */
export type MayDie = (moment: CrashMoment, attempts: readonly StoredAttempt[]) => boolean;

/** The store of a process that may end at its commits. */
export function dieAtCommits(store: Storage, mayDie: MayDie, die: () => void): Storage {
  return {
    ...store,
    commit: async (lane, node, units) => {
      const attempts = units.flatMap(toAttempts);
      if (attempts.length > 0 && mayDie("before-commit", attempts)) {
        die();
        return [];
      }
      const outcomes = await store.commit(lane, node, units);
      if (attempts.length > 0 && mayDie("after-commit", attempts)) die();
      return outcomes;
    },
  };
}

function toAttempts(unit: Unit): readonly StoredAttempt[] {
  if (unit.kind !== "run") return [];
  const { runId } = unit.ref;
  return unit.entries.flatMap((entry) => {
    switch (entry.kind) {
      case "result":
      case "failure":
        return [{ runId, step: entry.key, attempt: entry.attempt }];
      case "message": {
        const { body } = entry.message;
        return body.kind === "child.finished" ? [{ runId, step: body.key, attempt: 1 }] : [];
      }
      case "wait":
        return [];
      default:
        return assertNever(entry);
    }
  });
}
