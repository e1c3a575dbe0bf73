// `millrace runs list`, `get`, `watch`, `cancel`, `retry` and `signal`.
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import type { RunSummaryView, RunView } from "../doors/rest/run-view.ts";
import { formatAgo, formatDuration } from "./durations.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { addRunsExport } from "./export-runs.ts";
import { glyphsOf, runGlyph } from "./glyphs.ts";
import { plain, styleOf, type Io, type Style } from "./io.ts";
import { addPageFlags, showList } from "./list-command.ts";
import { formatCount } from "./progress.ts";
import { addSignal } from "./signal-command.ts";
import { sinceFlag } from "./since.ts";
import {
  addGroup,
  addSpeaking,
  printJson,
  printLines,
  speaking,
  textFlag,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";
import type { Column } from "./table.ts";
import { drawRun } from "./timeline.ts";
import { watchRun } from "./watch-run.ts";

const PATH = "/api/v1/runs";
const toPath = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;

export function addRuns(program: Command, line: CommandLine): void {
  const runs = addGroup(program, "runs", "look at runs, cancel them, try them again");
  addSpeaking(runs, "get <id>", "draw a run as a timeline").action(speaking(line, get));
  addPageFlags(addSpeaking(runs, "list", "list runs, newest first"))
    .option("--workflow <workflow>", "only those of this workflow, by its id or slug")
    .option("--status <status>", "only those that are so: failed, or failed,cancelled …")
    .option("--since <time>", "only those made since then: 30m, 12h, 7d, or an instant")
    .action(speaking(line, list));
  addSpeaking(runs, "watch <id>", "follow a run until it ends; exit 1 unless it completed").action(
    speaking(line, ({ client, io, isJson }, id: string) => watchRun(client, io, id, isJson)),
  );
  addSpeaking(runs, "cancel [ids...]", "end runs before they are done")
    .option("--workflow <workflow>", "all of this workflow that have not ended")
    .option("--all", "all that have not ended")
    .option("--reason <text>", "why, for whoever looks at them later")
    .action(speaking(line, cancel));
  addSpeaking(runs, "retry <id>", "start anew from the step that failed")
    .option("--wait", "follow the run until it ends; exit 1 unless it completed")
    .action(speaking(line, retry));
  addSignal(runs, line);
  addRunsExport(runs, line);
}

async function get({ client, io, isJson }: Call, id: string): Promise<ExitCode> {
  const { data: run } = await client.get<RunView>(toPath(id));
  if (isJson) printJson(io, run);
  else printLines(io, drawRun(run, { ...styleOf(io), nowMs: Date.now() }));
  return EXIT.done;
}

const statusOf = ({ status, waitingOn }: RunSummaryView): string =>
  status === "running" && waitingOn !== null ? "waiting" : status;

function toColumns(style: Style): readonly Column<RunSummaryView>[] {
  const glyphs = glyphsOf(style);
  const nowMs = Date.now();
  return [
    {
      title: " ",
      show: (run) => runGlyph(run, glyphs)[0],
      color: (run) => runGlyph(run, glyphs)[1],
    },
    { title: "id", show: ({ id }) => id },
    { title: "status", show: statusOf, color: (run) => runGlyph(run, glyphs)[1] },
    {
      title: "made",
      show: ({ createdAt }) => formatAgo(nowMs - Date.parse(createdAt)),
      align: "right",
    },
    {
      title: "took",
      show: ({ durationMs }) => (durationMs === null ? "" : formatDuration(durationMs)),
      align: "right",
    },
    { title: "workflow", show: ({ workflowId }) => workflowId, shrinks: true },
  ];
}

function list(call: Call): Promise<ExitCode> {
  const { flags } = call;
  const query = {
    workflowId: textFlag(flags, "workflow"),
    status: textFlag(flags, "status"),
    createdAfter: sinceFlag(flags),
  };
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  return showList(call, {
    path: PATH,
    query,
    name: "runs",
    command: "millrace runs list",
    columns: toColumns(styleOf(call.io)),
    empty: isFiltered
      ? "No such runs."
      : "No runs yet. Start one with: npx millrace run <workflow> --input '{}'",
  });
}

async function cancel(call: Call, ids: readonly string[]): Promise<ExitCode> {
  const { client, io, flags, isJson } = call;
  const workflowId = textFlag(flags, "workflow");
  const ways = [ids.length > 0, workflowId !== undefined, flags["all"] === true];
  if (ways.filter(Boolean).length !== 1) {
    const message = "Name ids of runs, or --workflow <workflow>, or --all: one of them.";
    throw new MillraceError("option.invalid", message);
  }
  const reason = textFlag(flags, "reason");
  const which =
    ids.length > 0 ? { ids } : workflowId === undefined ? { all: true } : { workflowId };
  const body = { ...which, reason };
  const { data, meta } = await client.post<readonly CancelView[]>(`${PATH}/cancel`, body);
  // What the route promises.
  const counts = meta as unknown as CancelCounts;
  if (isJson) printJson(io, { runs: data, meta });
  else tellCancelled(data, counts, io);
  const isGood = counts.notFound + counts.failed === 0 && counts.isComplete;
  return isGood ? EXIT.done : EXIT.failed;
}

interface CancelView {
  readonly id: string;
  readonly status: "requested" | "ended" | "notFound" | "failed";
  readonly error?: { readonly message: string };
}

interface CancelCounts extends Readonly<Record<CancelView["status"], number>> {
  /** False: the server stopped, or we left, before the last one was looked at. */
  readonly isComplete: boolean;
}

function tellCancelled(views: readonly CancelView[], counts: CancelCounts, io: Io): void {
  const { requested, ended, isComplete } = counts;
  const parts = [
    `${formatCount(requested)} will be cancelled`,
    ...(ended > 0 ? [`${formatCount(ended)} had ended`] : []),
  ];
  io.out(`${parts.join(", ")}\n`);
  for (const { id, status, error } of views) {
    if (status === "notFound") io.err(`${plain(id)}: Run not found\n`);
    if (status === "failed") io.err(`${plain(`${id}: ${error?.message ?? "failed"}`)}\n`);
  }
  if (!isComplete) io.err("The server stopped before the last one: call this again.\n");
}

async function retry(call: Call, id: string): Promise<ExitCode> {
  const { client, io, flags, isJson } = call;
  const { data } = await client.post<{ readonly runId: string }>(`${toPath(id)}/retry`, {});
  const { runId } = data;
  if (flags["wait"] === true) return watchRun(client, io, runId, isJson);
  if (isJson) {
    printJson(io, data);
    return EXIT.done;
  }
  const { paint } = styleOf(io);
  io.out(`${paint("bold", plain(runId))} goes on from where ${plain(id)} stopped\n`);
  io.out(paint("dim", `Follow it with: npx millrace runs watch ${plain(runId)}\n`));
  return EXIT.done;
}
