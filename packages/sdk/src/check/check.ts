// Replays what runs have done against code that is here, without an engine: does each still fit?
//
// Bodies of steps never run. What a function does outside of steps does run, as in every replay.
import type { AnyWorkflow } from "../durable/workflow.ts";
import { CHECK_RESULTS, type CheckedRun, type CheckResult } from "./checked-run.ts";
import { Replayer } from "./replayer.ts";

export interface CheckOptions {
  /** As they are deployed; several versions of one name may stand side by side. */
  readonly workflows: readonly AnyWorkflow[];
  /** Records of an export, as parsed JSON; read as they are needed. An `Error` stands for one that could not be parsed. */
  readonly runs: Iterable<unknown> | AsyncIterable<unknown>;
  /** A run that completed may give something else now, and one that failed may fail in another way. Default: false. */
  readonly ignoreOutputs?: boolean;
  /**
   * How long a function may take, in real time, to ask for what the journal has next: it may await something that is not
   * durable. Default: 1,000, as in life. Less makes a check with many differences faster, and a slow function a difference.
   */
  readonly graceMs?: number;
  /** How long a function may wait, in real time, for something that is not durable when its journal is at its end. Default: 5,000. */
  readonly stuckAfterMs?: number;
}

export interface CheckReport {
  /** True: none differs, is stuck or cannot be read. Runs whose code is not here do not count. */
  readonly isGood: boolean;
  readonly counts: Readonly<Record<CheckResult, number>>;
  /** In the order of the records. */
  readonly runs: readonly CheckedRun[];
}

/** Replays that are under way at once: one that differs mostly waits for its grace. */
const LANES = 256;

/**
 * Replays each record, and finds the first difference.
 *
 * ```ts
 * import { workflow } from "@millrace/sdk";
 * import { check } from "@millrace/sdk/check";
 *
 * const ship = workflow("ship", {}, (ctx) => ctx.run("pack", () => "packed"));
 * const report = await check({ workflows: [ship], runs: [] });
 * console.log(report.isGood, report.runs.filter((run) => run.result === "differs"));
 * ```
 *
 * @throws {MillraceError} option.invalid: two workflows have one name and version
 */
export async function check(options: CheckOptions): Promise<CheckReport> {
  const runs: CheckedRun[] = [];
  for await (const run of checkRuns(options)) runs.push(run);
  const counts = countResults(runs);
  return { isGood: counts.differs + counts.stuck + counts.unreadable === 0, counts, runs };
}

/**
 * As `check`, one by one, in the order of the records: for more of them than fit into the memory.
 *
 * @throws {MillraceError} option.invalid: two workflows have one name and version
 */
export async function* checkRuns({
  runs,
  ...options
}: CheckOptions): AsyncGenerator<CheckedRun, void> {
  const replayer = new Replayer(options);
  const pending: Promise<CheckedRun>[] = [];
  let number = 0;
  try {
    for await (const value of runs) {
      number += 1;
      pending.push(replayer.check(value, number));
      const first = pending.length >= LANES ? pending.shift() : undefined;
      if (first !== undefined) yield await first;
    }
    for (const one of pending) yield await one;
  } finally {
    replayer.close();
  }
}

function countResults(runs: readonly CheckedRun[]): Readonly<Record<CheckResult, number>> {
  const count = (wanted: CheckResult): number =>
    runs.filter(({ result }) => result === wanted).length;
  // One of each, so all of them are there.
  return Object.fromEntries(CHECK_RESULTS.map((result) => [result, count(result)])) as Record<
    CheckResult,
    number
  >;
}
