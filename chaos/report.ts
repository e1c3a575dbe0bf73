// What a chaos run was and found, as a page.
import type { ChaosOptions, ChaosResult } from "./chaos.ts";
import type { TimedRecovery } from "./recoveries.ts";

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** @returns Markdown */
export function toReport(options: ChaosOptions, result: ChaosResult): string {
  const {
    history,
    loadMs,
    settledMs,
    requestCount,
    unansweredCount,
    leftOutCount,
    failedStartCount,
  } = result;
  const { runs, bodies, signals, events } = history;
  const results = runs.reduce((sum, { journal }) => {
    return sum + journal.filter(({ kind }) => kind === "result").length;
  }, 0);
  const facts: readonly (readonly [string, string])[] = [
    ["Seed", `${options.seed}`],
    ...(options.profile ? [["Profile", options.profile] as const] : []),
    ["Load and faults", seconds(loadMs)],
    ["Until everything had ended", seconds(settledMs)],
    ["Faults", `${result.faults.length}`],
    ["Runs", `${runs.length}, ${((runs.length * 1_000) / loadMs).toFixed(1)} a second`],
    ["Results of steps", `${results}`],
    ["Bodies that began", `${bodies.length}`],
    ["Signals and events", `${signals.length + events.length}`],
    ["Requests", `${requestCount}, of which ${unansweredCount} had no answer that counts`],
    ["Starts of a server that gave up for want of a database", `${failedStartCount}`],
    ["Left out, because too much was under way", `${leftOutCount}`],
  ];
  return [
    "# A chaos run\n",
    "Written by `npm run chaos`; what it does and checks is in [Chaos](chaos.md).\n",
    toTable(["What", "How much"], facts),
    "## Violations\n",
    toViolations(result),
    "## Recovery\n",
    toRecovery(result.recoveries),
    "## Faults\n",
    toTable(["Kind", "How often"], countBy(result.faults.map(({ kind }) => `\`${kind}\``))),
    "## Runs\n",
    toTable(
      ["Workflow and end", "How many"],
      countBy(runs.map(({ workflow, status }) => `\`${workflow}\`, ${status ?? "not ended"}`)),
    ),
    "## What happened when\n",
    toTable(
      ["Began", "Ended", "Kind", "Target"],
      result.faults.map(({ beganMs, endedMs, kind, target }) => [
        seconds(beganMs),
        seconds(endedMs),
        `\`${kind}\``,
        `\`${target}\``,
      ]),
    ),
  ].join("\n");
}

function toViolations({ violations }: ChaosResult): string {
  if (violations.length === 0) return "None.\n";
  return `${violations.map(({ rule, what }) => `- ${rule}: ${what}`).join("\n")}\n`;
}

function toRecovery(recoveries: readonly TimedRecovery[]): string {
  const undisturbed = recoveries.filter(({ isClean }) => isClean);
  const rows = [
    ["all kills", recoveries],
    ["nothing else wrong meanwhile", undisturbed],
  ] as const;
  return [
    "From SIGKILL of a node until the last of its runs was taken by another, or had ended.\n",
    toTable(
      ["Kills", "How many", "Median", "Longest"],
      rows.map(([what, some]) => {
        const times = some.map(({ ms }) => ms ?? Infinity).toSorted((a, b) => a - b);
        return [what, `${some.length}`, show(times[times.length >> 1]), show(times.at(-1))];
      }),
    ),
  ].join("\n");
}

const show = (ms: number | undefined): string => {
  if (ms === undefined) return "–";
  return ms === Infinity ? "not seen" : seconds(ms);
};

function countBy(names: readonly string[]): readonly (readonly [string, string])[] {
  return [...Map.groupBy(names, (name) => name)]
    .map(([name, all]) => [name, `${all.length}`] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = line(head.map(() => "---"));
  return `${[line(head), rule, ...rows.map(line)].join("\n")}\n`;
}
