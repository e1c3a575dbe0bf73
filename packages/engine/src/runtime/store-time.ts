import { toTimestamp, type Timestamp } from "@millrace/protocol";
import type { Clock } from "./clock.ts";

/** The store's time without asking it: all nodes agree on it, whatever their own clocks say. */
export interface StoreTime {
  now(): Timestamp;
  /** The store has just said what time it is. */
  adjust(storeNow: Timestamp): void;
}

export function createStoreTime(clock: Clock): StoreTime {
  let offset = 0;
  let latest = 0;
  return {
    now: () => {
      // A store whose clock was set back must not make a run's history go back.
      latest = Math.max(latest, offset + clock.monotonicMs());
      return toTimestamp(latest);
    },
    adjust: (storeNow) => {
      offset = storeNow - clock.monotonicMs();
      // A jump ahead that was mended is followed, or nothing would fall due until the old time comes again.
      if (latest - storeNow > FOLLOW_BACK_MS) latest = storeNow;
    },
  };
}

/** Small corrections are waited out, larger ones are followed. */
const FOLLOW_BACK_MS = 5_000;
