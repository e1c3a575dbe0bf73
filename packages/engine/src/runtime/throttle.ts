import type { Clock } from "./clock.ts";

export interface Throttle {
  /** Fires now, or as soon as the last time is long enough ago; once for many calls. */
  call(): void;
  /** What was called for and has not fired does not fire any more. */
  cancel(): void;
}

/** @param everyMs between two firings, at least */
export function createThrottle(clock: Clock, everyMs: number, fire: () => void): Throttle {
  let nextMs = -Infinity;
  let cancelTimer: (() => void) | undefined;
  const now = (): void => {
    cancelTimer = undefined;
    nextMs = clock.monotonicMs() + everyMs;
    fire();
  };
  return {
    call() {
      if (cancelTimer !== undefined) return;
      const leftMs = nextMs - clock.monotonicMs();
      if (leftMs <= 0) now();
      else cancelTimer = clock.setTimer(leftMs, now);
    },
    cancel() {
      cancelTimer?.();
      cancelTimer = undefined;
    },
  };
}
