// An executor on a virtual clock, with a list of what it reports.
import {
  asJsonText,
  DEFAULT_TENANT,
  newRunId,
  toShard,
  toTimestamp,
  type RunId,
} from "@millrace/protocol";
import { Callables, type CallablesOptions } from "../runtime/callables.ts";
import type { AttemptResult, AttemptTask, Body } from "../runtime/executor.ts";
import { InlineExecutor } from "../runtime/inline-executor.ts";
import { Hosts } from "../runtime/hosts.ts";
import { createMetrics, type Metrics } from "../runtime/metrics.ts";
import type { StepFunction, StepFunctions } from "../runtime/step-function.ts";
import { VirtualClock } from "./virtual-clock.ts";

export const RUN: RunId = newRunId(toTimestamp(1), toShard(1), () => 1);
export const OTHER_RUN: RunId = newRunId(toTimestamp(1), toShard(1), () => 2);
/** Of a result. */
export const LIMIT_BYTES = 400;

export interface ExecutorBench {
  readonly clock: VirtualClock;
  readonly executor: InlineExecutor;
  readonly metrics: Metrics;
  /** In the order in which they came. */
  readonly results: AttemptResult[];
  /** Executes without waiting. */
  begin(task?: Partial<AttemptTask>): Body;
  /** The one result of one attempt that ends by itself. */
  run(task?: Partial<AttemptTask>): Promise<AttemptResult>;
}

/** @param functions the function of step `work`, or several by name */
export function anExecutorBench(
  functions: StepFunction<never> | StepFunctions,
  more: Partial<CallablesOptions> = {},
): ExecutorBench {
  const clock = new VirtualClock();
  const metrics = createMetrics();
  const callables = new Callables({
    functions: typeof functions === "function" ? { work: functions } : functions,
    actions: {},
    callFunction: null,
    findStored: () => Promise.resolve(null),
    isOffered: () => Promise.resolve(false),
    clock,
    hosts: new Hosts(),
    ...more,
  });
  const executor = new InlineExecutor({
    callables,
    clock,
    now: () => toTimestamp(1_000 + clock.monotonicMs()),
    limits: { payloadBytes: LIMIT_BYTES },
    metrics,
  });
  const results: AttemptResult[] = [];
  const begin: ExecutorBench["begin"] = (task) =>
    executor.execute(aTask(task), (result) => results.push(result));
  const run: ExecutorBench["run"] = async (task) => {
    begin(task);
    await clock.settle();
    const result = results.at(-1);
    if (result === undefined || results.length > 1) throw new Error(`${results.length} results`);
    results.length = 0;
    return result;
  };
  return { clock, executor, metrics, results, begin, run };
}

const aTask = (task: Partial<AttemptTask> = {}): AttemptTask => ({
  tenant: DEFAULT_TENANT,
  executor: "function",
  runId: RUN,
  key: "s1",
  attempt: 1,
  target: "work",
  input: asJsonText("{}"),
  runInput: asJsonText("{}"),
  timeoutMs: 60_000,
  ...task,
});
