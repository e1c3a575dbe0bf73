// `millrace runs get`, `list` and `watch`.
import type { RunSummaryView, RunView } from "../doors/rest/run-view.ts";
import type { Client } from "./client.ts";
import { formatAgo, formatDuration } from "./durations.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { followRun, isOver } from "./follow-run.ts";
import { glyphsOf, runGlyph } from "./glyphs.ts";
import { cut, plain, styleOf, type Io, type Style } from "./io.ts";
import { drawRun } from "./timeline.ts";

export async function getRun(
  client: Client,
  io: Io,
  id: string,
  isJson: boolean,
): Promise<ExitCode> {
  const { data: run } = await client.get<RunView>(`/api/v1/runs/${encodeURIComponent(id)}`);
  printRun(run, io, isJson);
  return EXIT.done;
}

function printRun(run: RunView, io: Io, isJson: boolean): void {
  if (isJson) io.out(`${JSON.stringify(run, null, 2)}\n`);
  else io.out(`${drawRun(run, { ...styleOf(io), nowMs: Date.now() }).join("\n")}\n`);
}

export interface ListOptions {
  readonly limit: string | undefined;
  readonly cursor: string | undefined;
  readonly isJson: boolean;
}

export async function listRuns(
  client: Client,
  io: Io,
  { limit, cursor, isJson }: ListOptions,
): Promise<ExitCode> {
  const query = new URLSearchParams();
  if (limit !== undefined) query.set("limit", limit);
  if (cursor !== undefined) query.set("cursor", cursor);
  const { data: runs, meta } = await client.get<readonly RunSummaryView[]>(
    `/api/v1/runs?${query.toString()}`,
  );
  if (isJson) io.out(`${JSON.stringify({ runs, meta }, null, 2)}\n`);
  else io.out(`${drawList(runs, meta?.["cursor"], styleOf(io)).join("\n")}\n`);
  return EXIT.done;
}

const ID_COLUMNS = 30;
const STATUS_COLUMNS = 9;
const AGO_COLUMNS = 10;
const DURATION_COLUMNS = 8;

function drawList(
  runs: readonly RunSummaryView[],
  cursor: unknown,
  style: Style,
): readonly string[] {
  if (runs.length === 0) {
    return ["No runs yet. Start one with: npx millrace run <workflow> --input '{}'"];
  }
  const fixed = 2 + ID_COLUMNS + STATUS_COLUMNS + AGO_COLUMNS + DURATION_COLUMNS + 4 * 2;
  const room = Math.max(10, style.columns - fixed);
  const rows = runs.map((run) => {
    const [glyph, color] = runGlyph(run, glyphsOf(style));
    const status = run.status === "running" && run.waitingOn !== null ? "waiting" : run.status;
    return [
      `${style.paint(color, glyph)} ${run.id.padEnd(ID_COLUMNS)}`,
      style.paint(color, status.padEnd(STATUS_COLUMNS)),
      formatAgo(Date.now() - Date.parse(run.createdAt)).padStart(AGO_COLUMNS),
      (run.durationMs === null ? "" : formatDuration(run.durationMs)).padStart(DURATION_COLUMNS),
      cut(plain(run.workflowId), room),
    ].join("  ");
  });
  if (typeof cursor !== "string") return rows;
  return [...rows, "", `More: npx millrace runs list --cursor ${plain(cursor)}`];
}

/** Until the run has ended: drawn again and again at a terminal, a line for each change elsewhere. */
export async function watchRun(
  client: Client,
  io: Io,
  id: string,
  isJson: boolean,
): Promise<ExitCode> {
  const show = isJson ? (): void => {} : createLiveView(io);
  const run = await followRun(client, id, { waitSeconds: isJson ? 60 : 1, onChange: show });
  if (isJson) printRun(run, io, true);
  return run.status === "completed" ? EXIT.done : EXIT.failed;
}

function createLiveView(io: Io): (run: RunView) => void {
  let drawnRows = 0;
  const told = new Map<string, string>();
  return (run) => {
    const terminal = io.terminal();
    const lines = drawRun(run, { ...styleOf(io), nowMs: Date.now() });
    // What has scrolled away cannot be drawn over.
    if (terminal !== null && lines.length < terminal.rows) {
      const back = drawnRows === 0 ? "" : `\u001b[${drawnRows}A\u001b[J`;
      drawnRows = lines.length;
      io.out(`${back}${lines.join("\n")}\n`);
    } else if (isOver(run)) io.out(`${lines.join("\n")}\n`);
    else tellChanges(run, told, io);
  };
}

function tellChanges(run: RunView, told: Map<string, string>, io: Io): void {
  const states = [
    ["", run.status],
    ...run.steps.map((step) => [step.id, step.status] as const),
  ] as const;
  for (const [step, status] of states) {
    if (told.get(step) === status || (status === "pending" && !told.has(step))) continue;
    told.set(step, status);
    io.out(`${step === "" ? run.id : plain(step)} ${status}\n`);
  }
}
