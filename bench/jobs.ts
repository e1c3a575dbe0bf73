// What an engine process can be told to do. Each job has a process of its own, so that the garbage, the compiled code
// and the caches of one do not disturb the next.
import { claims } from "./jobs/claims.ts";
import { code } from "./jobs/code.ts";
import { count } from "./jobs/count.ts";
import { fill } from "./jobs/fill.ts";
import { hold } from "./jobs/hold.ts";
import { language } from "./jobs/language.ts";
import { loop } from "./jobs/loop.ts";
import { many } from "./jobs/many.ts";
import { parallelSteps } from "./jobs/parallel-steps.ts";
import { sequentialSteps } from "./jobs/sequential-steps.ts";
import { sleep } from "./jobs/sleep.ts";
import { standBy } from "./jobs/stand-by.ts";
import { startMany } from "./jobs/start-many.ts";
import { stepCost } from "./jobs/step-cost.ts";
import { throughput } from "./jobs/throughput.ts";
import { wakeReplay } from "./jobs/wake-replay.ts";

export const JOBS = {
  claims,
  code,
  count,
  fill,
  hold,
  language,
  loop,
  many,
  parallelSteps,
  sequentialSteps,
  sleep,
  standBy,
  startMany,
  stepCost,
  throughput,
  wakeReplay,
};

export type Jobs = typeof JOBS;
export type JobName = keyof Jobs;
export type Order<K extends JobName> = Parameters<Jobs[K]>[0];
export type Result<K extends JobName> = Awaited<ReturnType<Jobs[K]>>;

/** Says that the job is ready, and resolves when it may go on: jobs that shall begin together wait for each other so. */
export type Meet = () => Promise<void>;

/** From the parent, once. */
export interface JobRequest<K extends JobName = JobName> {
  readonly name: K;
  readonly order: Order<K>;
}

/** From the parent, to a job that is ready. */
export type Proceed = "proceed";

/** To the parent. */
export type JobMessage<K extends JobName = JobName> =
  | { readonly kind: "progress"; readonly text: string }
  | { readonly kind: "ready" }
  | { readonly kind: "result"; readonly result: Result<K> }
  | { readonly kind: "fault"; readonly message: string };
