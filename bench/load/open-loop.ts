// Requests at a given rate, whether or not the ones before were answered. Each latency counts from the moment at which
// the request was due, so a stall is charged to everybody whom it keeps waiting (no coordinated omission).
import { setTimeout as pause } from "node:timers/promises";
import { Latencies, type LatencySummary } from "./latencies.ts";

export interface OpenLoopOptions {
  readonly perSecond: number;
  readonly durationMs: number;
  /** One request; a rejection is an error of the server. */
  readonly call: (n: number) => Promise<void>;
}

export interface OpenLoopReport {
  readonly sent: number;
  readonly errors: number;
  /** What the first of them said; null: there was none. */
  readonly firstError: string | null;
  /** Answers in a second, from the first due time to the last answer. */
  readonly answeredPerSecond: number;
  readonly latency: LatencySummary;
}

/** What has no answer so long after the last request was due is an error. */
const PATIENCE_MS = 10_000;

export async function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopReport> {
  const { perSecond, durationMs, call } = options;
  const latencies = new Latencies();
  const total = Math.round((perSecond * durationMs) / 1_000);
  const beganAt = performance.now();
  const counts = { sent: 0, answered: 0, lastAt: beganAt };
  const errors: string[] = [];
  const send = async (n: number): Promise<void> => {
    const dueAt = beganAt + (n * 1_000) / perSecond;
    try {
      await call(n);
      counts.answered += 1;
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error));
    }
    counts.lastAt = performance.now();
    latencies.record(counts.lastAt - dueAt);
  };
  while (counts.sent < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - beganAt) * perSecond) / 1_000));
    while (counts.sent < due) void send(counts.sent++);
    await pause(1);
  }
  const untilAt = performance.now() + PATIENCE_MS;
  while (total > counts.answered + errors.length && performance.now() < untilAt) await pause(1);
  const { sent, answered, lastAt } = counts;
  const missing = total - answered - errors.length;
  for (let n = 0; n < missing; n++) latencies.record(PATIENCE_MS);
  return {
    sent,
    errors: errors.length + missing,
    firstError: errors[0] ?? (missing > 0 ? `no answer in ${PATIENCE_MS} ms` : null),
    answeredPerSecond: (answered * 1_000) / (lastAt - beganAt),
    latency: latencies.summarize(),
  };
}
