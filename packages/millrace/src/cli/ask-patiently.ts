import { setTimeout as delay } from "node:timers/promises";
import { RefusedError } from "./client.ts";

/** More would not be a full server, but one that does not come back. */
const LARGEST_TRIES = 20;
const LONGEST_PAUSE_SECONDS = 60;

/** Asks again as long as the server says when to: its limits are full, or it is busy. What it asks for may be sent twice. */
export async function askPatiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const isPassing = error instanceof RefusedError && [429, 503].includes(error.status);
      if (!isPassing || error.retryAfterSeconds === null || tries === LARGEST_TRIES) throw error;
      await delay(Math.min(error.retryAfterSeconds, LONGEST_PAUSE_SECONDS) * 1000);
    }
  }
}
