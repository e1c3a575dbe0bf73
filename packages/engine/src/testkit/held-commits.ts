// A store that keeps back the commits that a test points at, until the test lets them through or loses them.
import { MillraceError, type ErrorCode } from "@millrace/protocol";
import type { Storage, Unit } from "../storage/storage.ts";

interface HeldCommit {
  readonly units: readonly Unit[];
  letThrough(): void;
  fail(code: ErrorCode): void;
}

export class HeldCommits {
  readonly storage: Storage;
  /** Kept back now, oldest first. */
  readonly held: HeldCommit[] = [];
  /** Which commits to keep back from now on; null: none. */
  point: ((units: readonly Unit[]) => boolean) | null = null;

  constructor(store: Storage) {
    this.storage = {
      ...store,
      commit: async (lane, node, units) => {
        if (this.point?.(units) === true) await this.#hold(units);
        return store.commit(lane, node, units);
      },
    };
  }

  /** Keeps nothing back any more, and lets through what it has. */
  release(): void {
    this.point = null;
    for (const commit of this.held.splice(0)) commit.letThrough();
  }

  #hold(units: readonly Unit[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.held.push({
        units,
        letThrough: resolve,
        fail: (code) => reject(new MillraceError(code)),
      });
    });
  }
}

/** Commits with entries of a run. */
export const hasEntries = (units: readonly Unit[]): boolean =>
  units.some((unit) => unit.kind === "run" && unit.entries.length > 0);
