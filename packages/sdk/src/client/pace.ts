/** Time and chance of a client; tests bring their own. */
export interface Pace {
  /** Grows steadily; of no day. */
  nowMs(): number;
  /** From 0 to 1. */
  random(): number;
  /** Resolves after that time, or at once on abort; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const SYSTEM_PACE: Pace = {
  nowMs: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
    }),
};

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Between half and all of a time that doubles, so that many clients do not come back in one moment. */
export function pauseMs(failedTries: number, pace: Pace): number {
  const fullMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failedTries - 1, 10));
  return fullMs * (0.5 + pace.random() / 2);
}
