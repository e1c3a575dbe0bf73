import type { Scenario } from "./bench.ts";
import { bytes } from "./scenarios/bytes.ts";
import { codeWorker } from "./scenarios/code-worker.ts";
import { code } from "./scenarios/code.ts";
import { dueBacklog } from "./scenarios/due-backlog.ts";
import { eventStreams } from "./scenarios/event-streams.ts";
import { history } from "./scenarios/history.ts";
import { idle } from "./scenarios/idle.ts";
import { kill } from "./scenarios/kill.ts";
import { language } from "./scenarios/language.ts";
import { latency } from "./scenarios/latency.ts";
import { loop } from "./scenarios/loop.ts";
import { nodes } from "./scenarios/nodes.ts";
import { order } from "./scenarios/order.ts";
import { parallel } from "./scenarios/parallel.ts";
import { recovery } from "./scenarios/recovery.ts";
import { restBatch } from "./scenarios/rest-batch.ts";
import { restReads } from "./scenarios/rest-reads.ts";
import { restStarts } from "./scenarios/rest-starts.ts";
import { restThroughput } from "./scenarios/rest-throughput.ts";
import { sequential } from "./scenarios/sequential.ts";
import { sleepers } from "./scenarios/sleepers.ts";
import { slowCommits } from "./scenarios/slow-commits.ts";
import { startMany } from "./scenarios/start-many.ts";
import { startUp } from "./scenarios/start-up.ts";
import { stepCost } from "./scenarios/step-cost.ts";
import { throughput } from "./scenarios/throughput.ts";
import { wakeReplay } from "./scenarios/wake-replay.ts";

export type { Scenario } from "./bench.ts";

/** In the order in which they run and stand in the table. */
export const SCENARIOS: readonly Scenario[] = [
  throughput,
  code,
  codeWorker,
  startMany,
  parallel,
  sequential,
  wakeReplay,
  restThroughput,
  latency,
  restStarts,
  restBatch,
  eventStreams,
  order,
  loop,
  language,
  stepCost,
  slowCommits,
  sleepers,
  history,
  restReads,
  startUp,
  kill,
  nodes,
  recovery,
  idle,
  bytes,
  dueBacklog,
];
