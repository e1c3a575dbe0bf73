import { CATEGORIES, type Category } from "./route.ts";

/** Upper bounds in seconds. From half a millisecond, which a start on the embedded store takes, to a long poll. */
export const REQUEST_SECONDS_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60,
] as const;

export interface RequestCounts {
  /** By class of status: index 2 counts 2xx. */
  readonly byStatusClass: number[];
  /** One more than the bounds; not cumulative. */
  readonly bySeconds: number[];
  seconds: number;
}

export interface HttpMetrics {
  readonly requests: Readonly<Record<Category, RequestCounts>>;
  observe(category: Category, status: number, durationMs: number): void;
}

export function createHttpMetrics(): HttpMetrics {
  const requests = Object.fromEntries(
    CATEGORIES.map((category) => [category, newCounts()]),
    // `fromEntries` forgets which keys it was given.
  ) as Record<Category, RequestCounts>;
  return {
    requests,
    observe: (category, status, durationMs) => {
      const counts = requests[category];
      const seconds = durationMs / 1000;
      const found = REQUEST_SECONDS_BOUNDS.findIndex((bound) => seconds <= bound);
      increment(counts.byStatusClass, Math.floor(status / 100));
      increment(counts.bySeconds, found < 0 ? REQUEST_SECONDS_BOUNDS.length : found);
      counts.seconds += seconds;
    },
  };
}

function newCounts(): RequestCounts {
  const zeros = (length: number): number[] => Array.from({ length }, () => 0);
  return {
    byStatusClass: zeros(6),
    bySeconds: zeros(REQUEST_SECONDS_BOUNDS.length + 1),
    seconds: 0,
  };
}

function increment(counts: number[], at: number): void {
  counts[at] = (counts[at] ?? 0) + 1;
}
