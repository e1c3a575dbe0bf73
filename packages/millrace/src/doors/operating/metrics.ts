import type { EngineMetrics } from "@millrace/engine";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { REQUEST_SECONDS_BOUNDS } from "../../http-metrics.ts";
import { CATEGORIES, type Answer, type Call, type Route, type Services } from "../../route.ts";
import { TEXT } from "../rest/schemas/json-schema.ts";
import { CONTENT_TYPE, counter, gauge, histogram } from "./prometheus.ts";

/** A scraper in production sends a key with this scope, best as its bearer token. */
export const METRICS_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/metrics",
    scope: "metrics:read",
    isOpenInDevelopment: true,
    category: "probe",
    summary: "Read the metrics",
    description: "In development mode without a key.",
    answers: {
      200: { description: "Text for Prometheus.", schema: TEXT, contentType: CONTENT_TYPE },
    },
    handle: answerMetrics,
  },
];

function answerMetrics(_call: Call, services: Services): Answer {
  const body = [
    ...engineFamilies(services.engine.metrics()),
    ...requestFamilies(services),
    ...processFamilies(services.version),
  ].join("");
  return { status: 200, body, headers: { "content-type": CONTENT_TYPE } };
}

function engineFamilies(m: EngineMetrics): readonly string[] {
  return [
    counter("millrace_runs_started_total", "Runs accepted.", { value: m.runsStarted }),
    counter(
      "millrace_runs_finished_total",
      "Runs ended, by status.",
      { labels: 'status="completed"', value: m.runsFinished.completed },
      { labels: 'status="failed"', value: m.runsFinished.failed },
      { labels: 'status="cancelled"', value: m.runsFinished.cancelled },
    ),
    counter(
      "millrace_attempts_total",
      "Tries of step bodies; discarded: the result came too late to count.",
      { labels: 'outcome="completed"', value: m.attemptsCompleted },
      { labels: 'outcome="failed"', value: m.attemptsFailed },
      { labels: 'outcome="discarded"', value: m.attemptsDiscarded },
    ),
    counter("millrace_commits_total", "Transactions of group commit.", { value: m.commits }),
    counter("millrace_commit_units_total", "Units that they carried.", { value: m.commitUnits }),
    counter("millrace_commit_failures_total", "Commits that failed.", { value: m.commitFailures }),
    histogram("millrace_commit_seconds", "Duration of a commit.", m.commitSeconds),
    counter("millrace_runs_taken_total", "Runs taken over from the store.", { value: m.runsTaken }),
    counter("millrace_runs_reaped_total", "Runs freed from dead nodes.", { value: m.runsReaped }),
    counter("millrace_runs_pruned_total", "Ended runs removed.", { value: m.runsPruned }),
    counter("millrace_runs_lost_total", "Runs lost to another owner.", { value: m.runsLost }),
    gauge("millrace_resident_runs", "Runs in memory.", { value: m.residentRuns }),
    gauge("millrace_running_bodies", "Step bodies that run now.", { value: m.runningBodies }),
    gauge("millrace_queued_units", "Units that wait for a commit.", { value: m.queuedUnits }),
  ];
}

function requestFamilies({ httpMetrics }: Services): readonly string[] {
  const counts = CATEGORIES.flatMap((category) =>
    httpMetrics.requests[category].byStatusClass.map((value, at) => ({
      labels: `category="${category}",status="${at}xx"`,
      value,
    })),
  );
  return [
    counter(
      "millrace_http_requests_total",
      "Requests answered.",
      ...counts.filter(({ value }) => value > 0),
    ),
    histogram(
      "millrace_http_request_seconds",
      "Time to answer a request; long polls wait on purpose.",
      ...CATEGORIES.map((category) => ({
        labels: `category="${category}"`,
        bounds: REQUEST_SECONDS_BOUNDS,
        counts: httpMetrics.requests[category].bySeconds,
        sum: httpMetrics.requests[category].seconds,
      })),
    ),
  ];
}

/** How often the event loop is looked at; the monitor counts this as part of every delay. */
const LOOP_SAMPLE_MS = 10;
/** Made at the first scrape; its timer keeps no process alive. */
let loopDelay: ReturnType<typeof monitorEventLoopDelay> | undefined;

function processFamilies(version: string): readonly string[] {
  if (loopDelay === undefined) {
    loopDelay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
    loopDelay.enable();
  }
  const delay = loopDelay;
  const quantile = (percent: number): { labels: string; value: number } => ({
    labels: `quantile="${percent / 100}"`,
    value: Math.max(0, delay.percentile(percent) / 1e9 - LOOP_SAMPLE_MS / 1e3),
  });
  const { rss, heapUsed, external } = process.memoryUsage();
  const cpu = process.cpuUsage();
  const samples = [quantile(50), quantile(90), quantile(99), quantile(100)];
  delay.reset();
  return [
    gauge("millrace_build_info", "What runs.", {
      labels: `version="${version}",node="${process.versions.node}"`,
      value: 1,
    }),
    gauge("process_start_time_seconds", "When the process started.", {
      value: Math.round(performance.timeOrigin) / 1000,
    }),
    counter("process_cpu_seconds_total", "Processor time.", {
      value: (cpu.user + cpu.system) / 1e6,
    }),
    gauge("process_resident_memory_bytes", "Resident memory.", { value: rss }),
    gauge("nodejs_heap_used_bytes", "Heap in use.", { value: heapUsed }),
    gauge("nodejs_external_memory_bytes", "Memory outside the heap.", { value: external }),
    gauge(
      "nodejs_eventloop_delay_seconds",
      "Delay of the event loop since the last scrape.",
      ...samples,
    ),
  ];
}
