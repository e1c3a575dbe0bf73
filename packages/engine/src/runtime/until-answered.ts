import { MillraceError } from "@millrace/protocol";
import type { Clock } from "./clock.ts";

const PAUSE_MS = 100;

/**
 * Asks again until the store says something. For questions whose asker cannot go on without the answer and could
 * not take back what it has done so far.
 *
 * @param wanted false: nobody needs the answer any more
 * @returns null: no longer wanted
 */
export async function untilAnswered<T>(
  clock: Clock,
  wanted: () => boolean,
  ask: () => Promise<T>,
): Promise<{ readonly answer: T } | null> {
  while (wanted()) {
    try {
      return { answer: await ask() };
    } catch (error) {
      if (!MillraceError.is(error) || error.code !== "storage.unavailable") throw error;
      await new Promise<void>((resolve) => {
        clock.setTimer(PAUSE_MS, resolve);
      });
    }
  }
  return null;
}
