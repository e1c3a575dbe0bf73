// No faults, for long: whether the memory of the nodes and the size of the database stay as they are. Runs are kept for
// a minute after their end, so that after a while as many are forgotten as end.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createRandom } from "../packages/engine/src/simulation/random.ts";
import { runStatements } from "../packages/engine/src/testkit/postgres/admin.ts";
import { Caller } from "./caller.ts";
import { Cluster } from "./cluster.ts";
import { fitLine, type LineFit, type Point } from "./line-fit.ts";
import { pause } from "./pause.ts";

export interface SoakOptions {
  readonly seed: number;
  readonly lengthMs: number;
  /** Starts in a second; null: half of what the machine gives. */
  readonly perSecond: number | null;
  readonly tell: (text: string) => void;
}

/** In bytes, over the second half. */
export interface Series {
  readonly what: string;
  readonly points: readonly Point[];
  readonly fit: LineFit;
  readonly isFlat: boolean;
}

export interface SoakResult {
  readonly perSecond: number;
  readonly startCount: number;
  readonly lengthMs: number;
  readonly series: readonly Series[];
  /** No line rises by more than `MOST_RISE` of its mean, and there are points enough to say so. */
  readonly isFlat: boolean;
}

const SAMPLE_EVERY_MS = 30_000;
/** Of a short soak, more often. */
const LEAST_SAMPLES = 20;
const LEAST_POINTS = 5;
const MEASURE_MS = 15_000;
const IN_FLIGHT = 64;
const MOST_RISE = 0.1;
const WORKFLOW = "wf_chain";

export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { lengthMs, tell } = options;
  const script = fileURLToPath(new URL("soak-server.ts", import.meta.url));
  await using cluster = await Cluster.open({ seed: options.seed, script, workerCount: 0 });
  const never = new AbortController().signal;
  const caller = new Caller(cluster.urls, cluster.key ?? "", createRandom(options.seed), never);
  const perSecond = options.perSecond ?? (await measure(caller)) / 2;
  tell(`${perSecond.toFixed(0)} runs a second for ${(lengthMs / 60_000).toFixed(1)} min`);
  const samples = new Map<string, Point[]>();
  const over = new AbortController();
  const startedAt = performance.now();
  const everyMs = Math.min(SAMPLE_EVERY_MS, lengthMs / LEAST_SAMPLES);
  const sampling = sample(cluster, samples, everyMs, over.signal);
  const startCount = await startEvenly(caller, perSecond, lengthMs);
  const tookMs = performance.now() - startedAt;
  over.abort();
  await sampling;
  const series = [...samples].map(([what, points]) => {
    const half = points.filter(({ atMs }) => atMs - startedAt >= tookMs / 2);
    const fit = fitLine(half);
    return {
      what,
      points,
      fit,
      isFlat: half.length >= LEAST_POINTS && fit.rise <= fit.mean * MOST_RISE,
    };
  });
  const isFlat = series.every((one) => one.isFlat);
  return { perSecond, startCount, lengthMs: tookMs, series, isFlat };
}

async function startOne(caller: Caller): Promise<void> {
  const path = `/api/v1/workflows/${WORKFLOW}/run?wait=30`;
  // Without a key, which would be kept for a day.
  await caller.call({ method: "POST", path, body: {} });
}

/** @returns runs that end in a second when as many as possible are asked for */
async function measure(caller: Caller): Promise<number> {
  const startedAt = performance.now();
  let count = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() - startedAt < MEASURE_MS) {
        await startOne(caller);
        count += 1;
      }
    }),
  );
  return (count * 1_000) / (performance.now() - startedAt);
}

async function startEvenly(caller: Caller, perSecond: number, lengthMs: number): Promise<number> {
  const startedAt = performance.now();
  const flying = new Set<Promise<void>>();
  let count = 0;
  for (let n = 0; ; n++) {
    const atMs = startedAt + (n * 1_000) / perSecond;
    if (atMs > startedAt + lengthMs) break;
    const waitMs = atMs - performance.now();
    if (waitMs > 0) await pause(waitMs);
    if (flying.size >= IN_FLIGHT * 2) await Promise.race(flying);
    const flight = startOne(caller).finally(() => flying.delete(flight));
    flying.add(flight);
    count += 1;
  }
  await Promise.all(flying);
  return count;
}

async function sample(
  cluster: Cluster,
  samples: Map<string, Point[]>,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  const note = (what: string, value: number): void => {
    const points = samples.get(what) ?? [];
    samples.set(what, [...points, { atMs: performance.now(), value }]);
  };
  while (!signal.aborted) {
    for (const { name, pid } of cluster.nodes) note(`memory of ${name}`, await readRssBytes(pid));
    const [row] = await runStatements(
      cluster.database.url,
      "select pg_database_size(current_database())::float8 as bytes",
    );
    note("database", Number(row?.["bytes"]));
    await pause(everyMs, signal);
  }
}

/** Linux tells it in a file. */
async function readRssBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** @returns Markdown */
export function toSoakReport({
  perSecond,
  startCount,
  lengthMs,
  series,
  isFlat,
}: SoakResult): string {
  const rows = series.map(({ what, points, fit }) => {
    const [first, last] = [points[0]?.value ?? 0, points.at(-1)?.value ?? 0];
    const share = fit.mean === 0 ? 0 : (fit.rise / fit.mean) * 100;
    const cells = [what, first, last, fit.mean, fit.rise].map((cell) =>
      typeof cell === "number" ? mebibytes(cell) : cell,
    );
    return `| ${cells.join(" | ")} | ${share.toFixed(1)}% |`;
  });
  return [
    "# A soak\n",
    "Written by `npm run chaos -- --soak`; what it does is in [Chaos](chaos.md#soak).\n",
    `${startCount} runs, ${perSecond.toFixed(0)} a second, in ${(lengthMs / 60_000).toFixed(1)} min. ` +
      `Over the second half everything ${isFlat ? "stayed flat" : "did not stay flat"}.\n`,
    "| What | First | Last | Mean of the second half | Rise over it | Share |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
