// A fixed number of callers, each of whom asks again as soon as it has its answer: for "N in flight" only. It cannot
// show what a slow server does to callers who do not wait for each other; the open loop does.
import { setTimeout as pause } from "node:timers/promises";
import { Latencies, type LatencySummary } from "./latencies.ts";

export interface ClosedLoopOptions {
  readonly inFlight: number;
  /** Not counted: compilers, caches and files warm up. */
  readonly warmUpMs: number;
  readonly windowMs: number;
  /** One call of one caller; a rejection ends the benchmark. */
  readonly call: (n: number) => Promise<void>;
}

export interface ClosedLoopReport {
  readonly perSecond: number;
  readonly latency: LatencySummary;
}

export async function runClosedLoop(options: ClosedLoopOptions): Promise<ClosedLoopReport> {
  const { inFlight, warmUpMs, windowMs, call } = options;
  const latencies = new Latencies();
  let calls = 0;
  let counted = 0;
  const load: { phase: "warming" | "counting" | "over" } = { phase: "warming" };
  const caller = async (): Promise<void> => {
    while (load.phase !== "over") {
      const startedAt = performance.now();
      await call(calls++);
      if (load.phase !== "counting") continue;
      counted += 1;
      latencies.record(performance.now() - startedAt);
    }
  };
  const callers = Promise.all(Array.from({ length: inFlight }, caller));
  const timed = async (): Promise<number> => {
    await pause(warmUpMs);
    const startedAt = performance.now();
    load.phase = "counting";
    await pause(windowMs);
    load.phase = "over";
    return (performance.now() - startedAt) / 1_000;
  };
  // A caller that fails must not wait for the clock.
  const seconds = await Promise.race([timed(), callers.then(() => NaN)]);
  const perSecond = counted / seconds;
  await callers;
  return { perSecond, latency: latencies.summarize() };
}
