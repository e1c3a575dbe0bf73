// Counts how often code runs lost the host that executed them without getting any further: one of them may be why.
import type { RunId } from "@millrace/protocol";

/** How much a run has to do with the end of its host, in points. */
export const GUILT = { none: 0, possible: 1, likely: 5 } as const;
export type Guilt = keyof typeof GUILT;

interface Loss {
  /** Entries of the journal when it was lost last. */
  readonly committed: number;
  readonly points: number;
}

/** Forgotten ones begin to count anew. */
const MOST_RUNS = 10_000;
/** Five times likely; or so often possible that it can hardly be chance. */
export const QUARANTINE_POINTS = 25;
const FIRST_DELAY_MS = 500;

export class SessionLosses {
  readonly #losses = new Map<RunId, Loss>();

  /** @returns its points since it last got further, with these */
  add(runId: RunId, committed: number, guilt: Guilt): number {
    const last = this.#losses.get(runId);
    const points = GUILT[guilt] + (last?.committed === committed ? last.points : 0);
    if (points === 0) return 0;
    // So that the map is in the order of the last losses.
    this.#losses.delete(runId);
    this.#losses.set(runId, { committed, points });
    const [oldest] = this.#losses.keys();
    if (this.#losses.size > MOST_RUNS && oldest !== undefined) this.#losses.delete(oldest);
    return points;
  }

  /** It has ended, or was set aside. */
  forget(runId: RunId): void {
    this.#losses.delete(runId);
  }
}

/**
 * How long a run waits after a loss: not at all after the first, then longer each time, and not as long as others
 * that were lost with it. So whoever is innocent gets further while the one to blame still waits.
 */
export function toLossDelayMs(runId: RunId, points: number): number {
  const count = Math.floor(points / GUILT.likely);
  if (count < 2) return 0;
  const spread = 1 + ((runId.codePointAt(runId.length - 1) ?? 0) % 16) / 8;
  return FIRST_DELAY_MS * 2 ** (count - 2) * spread;
}
