// A server and its database are often started together, or restarted: what a database that is away cannot answer is
// asked again for a while, from the first question to the last of the start.
import type { Log } from "@millrace/engine";
import { describePostgresUrl } from "@millrace/engine/postgres";
import { setTimeout as delay } from "node:timers/promises";
import { explainDatabase, isPassing, whyOf } from "./explain-database.ts";

export interface DatabaseWait {
  readonly url: string;
  readonly log: Log;
  /** How long the database may be away. Default 30,000. */
  readonly patienceMs?: number | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_PATIENCE_MS = 30_000;
const LOOK_AGAIN_MS = 500;

/**
 * @param work may be repeated when it has failed
 * @throws what `work` throws, in a sentence for whoever started it; the signal's reason
 */
export async function waitForDatabase<T>(
  work: () => Promise<T>,
  { url, log, patienceMs = DEFAULT_PATIENCE_MS, signal }: DatabaseWait,
): Promise<T> {
  const address = describePostgresUrl(url);
  const until = performance.now() + patienceMs;
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || performance.now() >= until) throw explainDatabase(error, address);
      if (tries === 1) {
        const seconds = Math.round(patienceMs / 1000);
        const fields = { database: address.shown };
        log.warn(
          fields,
          `waits up to ${seconds} s for the database ${address.shown} (${whyOf(error)})`,
        );
      }
    }
    await delay(LOOK_AGAIN_MS, undefined, { signal });
  }
}
