// What can happen in a story, by name, and how often it did. A class that never happens is not tested.

export const FAULTS = [
  // Processes.
  "node-killed",
  "node-never-came-back",
  "node-stopped",
  "nodes-restarted-in-turn",
  "node-added",
  "many-nodes-started-together",
  "all-nodes-away-for-an-hour",
  "node-paused-beyond-its-lease",
  "node-suspended",
  "loop-blocked",
  "loop-blocked-while-the-heart-beats",
  "node-declared-dead-and-back",
  "run-killed-its-process",
  "run-quarantined",
  "worker-killed",
  "worker-paused",
  "worker-cut-off",
  "all-workers-away-for-an-hour",
  // The store.
  "request-lost",
  "request-late",
  "answer-lost",
  "commit-applied-twice",
  "store-restarted",
  "store-refused-a-call",
  "serialization-failure",
  "store-full",
  "lane-failed",
  "many-lanes",
  "unit-rejected",
  "hint-lost",
  "hint-late",
  "hint-doubled",
  "no-hints",
  // Time.
  "clock-at-its-own-rate",
  "wall-clock-jumped",
  "store-time-stepped-back",
  "sleep-of-nothing",
  "sleep-into-the-past",
  "long-sleep",
  "sleep-of-a-century",
  "crowd-of-timers",
  // Concurrency.
  "key-shared",
  "name-shared",
  "cancelled-in-time",
  "cancelled-twice",
  "cancelled-too-late",
  "cancel-lost-the-race",
  "cancelled-while-moving",
  "cancelled-while-it-slept",
  "cancelled-while-it-waited",
  "cancelled-before-a-retry",
  "cancelled-before-its-first-step",
  "cancelled-with-its-child",
  "many-cancelled",
  "signals-in-a-burst",
  "signal-repeated",
  "signal-before-its-wait",
  "signal-during-its-wait",
  "signal-after-the-end",
  "wait-timed-out",
  "run-retried",
] as const;
export type Fault = (typeof FAULTS)[number];

/** How often each happened. */
export type Coverage = Readonly<Record<Fault, number>>;

export class Tally {
  readonly #counts = new Map<Fault, number>();

  note(fault: Fault): void {
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + 1);
  }

  get coverage(): Coverage {
    return toCoverage((fault) => this.#counts.get(fault) ?? 0);
  }
}

export const NO_COVERAGE: Coverage = toCoverage(() => 0);

export const addCoverage = (a: Coverage, b: Coverage): Coverage =>
  toCoverage((fault) => a[fault] + b[fault]);

function toCoverage(count: (fault: Fault) => number): Coverage {
  const pairs = FAULTS.map((fault) => [fault, count(fault)] as const);
  // It has every name of `FAULTS`.
  return Object.fromEntries(pairs) as Record<Fault, number>;
}
