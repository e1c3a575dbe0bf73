import { createHistogram } from "node:perf_hooks";

export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const NS_IN_MS = 1e6;
const LONGEST_NS = 3_600e9;

/** Latencies in a histogram of three figures, so that any number of them takes the same memory. */
export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1, highest: LONGEST_NS, figures: 3 });

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * NS_IN_MS)));
  }

  summarize(): LatencySummary {
    const histogram = this.#histogram;
    const at = (percent: number): number =>
      histogram.count === 0 ? 0 : histogram.percentile(percent) / NS_IN_MS;
    return { count: histogram.count, p50Ms: at(50), p99Ms: at(99), maxMs: at(100) };
  }
}
