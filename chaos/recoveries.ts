// How long runs of a killed node stood still.
import type { LoggedFault } from "./perform-faults.ts";
import type { Recovery } from "./store-watch.ts";

export interface TimedRecovery {
  readonly node: string;
  /** Since the beginning of the faults. */
  readonly atMs: number;
  readonly runCount: number;
  /** Until the last of its runs was taken or had ended; null: that was not seen. */
  readonly ms: number | null;
  /** Nothing else was wrong meanwhile that keeps runs from being taken. */
  readonly isClean: boolean;
}

/** What keeps another node from taking the runs. */
const HINDERS = /^(postgres|network|node)/;
/** The others need a moment after a fault, too. */
const AFTER_MS = 2_000;

/** @param startedAtMs when the faults began, as `performance.now()` */
export function toRecoveries(
  recoveries: readonly Recovery[],
  faults: readonly LoggedFault[],
  startedAtMs: number,
): readonly TimedRecovery[] {
  return recoveries
    .filter(({ runCount }) => runCount > 0)
    .map(({ node, diedAtMs, recoveredAtMs, runCount }) => {
      const atMs = diedAtMs - startedAtMs;
      const untilMs = (recoveredAtMs ?? Infinity) - startedAtMs;
      const isClean = !faults.some(
        ({ kind, target, beganMs, endedMs }) =>
          HINDERS.test(kind) &&
          !(kind === "node-kill" && target === node && Math.abs(beganMs - atMs) < AFTER_MS) &&
          beganMs < untilMs &&
          endedMs + AFTER_MS > atMs,
      );
      const ms = recoveredAtMs === null ? null : Math.round(recoveredAtMs - diedAtMs);
      return { node, atMs: Math.round(atMs), runCount, ms, isClean };
    });
}
