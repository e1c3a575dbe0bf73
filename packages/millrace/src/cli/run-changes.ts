// Tells when a run has changed, by the server's events. Several at once are one: what changed is asked for anyway, and a
// stream begins with all that was.
import { setTimeout as delay } from "node:timers/promises";
import { NoConnectionError, RefusedError, type Client } from "./client.ts";
import { readEvents } from "./event-stream.ts";

/** `over`: the server sends no more, or never sent any. `silence`: nothing for `TICK_MS`. */
export type Change = "event" | "silence" | "over";

export interface RunChanges extends AsyncDisposable {
  next(): Promise<Change>;
}

/** As often as a drawing moves by itself. */
const TICK_MS = 1_000;
/** Four looks a second are fewer than a key may take, and more than an eye needs. */
const LEAST_GAP_MS = 250;

export function openRunChanges(client: Client, path: string): RunChanges {
  const hangUp = new AbortController();
  let [hasNews, isOver] = [false, false];
  let lookedAt = Number.NEGATIVE_INFINITY;
  let wake = (): void => {};
  const pump = readAll(client, path, hangUp.signal, () => {
    hasNews = true;
    wake();
  }).finally(() => {
    isOver = true;
    wake();
  });
  // Awaited at the end; until then it is no stray.
  pump.catch(() => {});
  const take = async (): Promise<Change> => {
    if (!hasNews) return "over";
    const gapMs = lookedAt + LEAST_GAP_MS - performance.now();
    if (gapMs > 0 && !isOver) await delay(gapMs);
    lookedAt = performance.now();
    hasNews = false;
    return "event";
  };
  return {
    next: async () => {
      if (hasNews || isOver) return take();
      const timer = new AbortController();
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const tick = delay(TICK_MS, "tick", { signal: timer.signal }).catch(() => "stopped");
      const first = await Promise.race([woken, tick]);
      timer.abort();
      return first === "tick" ? "silence" : take();
    },
    [Symbol.asyncDispose]: async () => {
      hangUp.abort();
      await pump;
    },
  };
}

/** A stream that breaks off is no mistake: whoever follows asks for the run instead. */
async function readAll(
  client: Client,
  path: string,
  signal: AbortSignal,
  onEvent: () => void,
): Promise<void> {
  try {
    const bytes = await client.stream(path, { accept: "text/event-stream" }, signal);
    // So that hanging up reaches the server at once, not with the next event.
    const heard = bytes.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
    for await (const _ of readEvents(heard)) onEvent();
  } catch (error) {
    if (signal.aborted || error instanceof NoConnectionError) return;
    // An older server has no events, a full one no room for another stream; both tell the run when asked.
    if (error instanceof RefusedError || error instanceof TypeError) return;
    throw error;
  }
}
