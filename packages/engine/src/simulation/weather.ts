// What the way to the store and the store itself are like at this moment; every node of a story has the same.
import { hashText, MillraceError, type RunId } from "@millrace/protocol";
import type { Unit } from "../storage/storage.ts";

/** How words between nodes travel. `none`: nobody tells nodes that they do not; `silent`: nodes know. */
export const HINTS = ["carried", "poor", "none", "silent"] as const;
export type HintWeather = (typeof HINTS)[number];

export interface Weather {
  /** Probability that a request or its reply is lost. */
  lossy: number;
  /** Probability that a commit arrives a second time, some time later. */
  doubled: number;
  /** Longest way of a request or reply, in ms. */
  slowest: number;
  /** Probability that a commit ends in a serialization failure or a deadlock. */
  conflicts: number;
  /** Of how many units one is refused for ever. 0: none is. */
  rejects: number;
  /** Commits are refused with `storage.full`. */
  full: boolean;
  /** The server is away: nothing is taken, and nothing is answered. */
  down: boolean;
  /** The database of this lane is away. */
  lostLane: number | null;
  hints: HintWeather;
  /** Until then requests arrive late, in virtual time: also a heartbeat of a node that has died. */
  lateUntil: number;
}

/** Ways so short count as none where a time is promised. */
const QUICK_MS = 50;

/** The store answers everybody at once: what is promised within a time must happen in it. */
export const isClear = (weather: Weather, now: number): boolean =>
  now > weather.lateUntil &&
  weather.lossy === 0 &&
  weather.conflicts === 0 &&
  weather.slowest <= QUICK_MS &&
  !weather.full &&
  !weather.down &&
  weather.lostLane === null;

/** Always the same ones: what a store rejects, it rejects each time that it is sent. */
export function isRejected(unit: Unit, { rejects }: Weather): boolean {
  if (rejects === 0 || unit.kind !== "run" || unit.entries.length === 0) return false;
  // The end of such a run must be taken, or it stays where it is until somebody looks.
  return unit.next.kind !== "finish" && isOneOf(unit.ref.runId, unit.sequence, rejects);
}

const isOneOf = (runId: RunId, sequence: number, rejects: number): boolean =>
  hashText(`${runId}/${sequence}`) % rejects === 0;

export const unavailable = (): MillraceError => new MillraceError("storage.unavailable");
