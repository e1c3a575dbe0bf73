// Draws a run for a terminal: a bar for each step on one time axis, so that what was slow, tried again or waited is
// seen at once. Pure: a run and a style in, lines out.
import type { ErrorView, RunView, StepView, WaitingView } from "../doors/rest/run-view.ts";
import { drawAxis, drawBar, type Scale } from "./bar.ts";
import { columnsOf, cut, padEnd } from "./columns.ts";
import { formatDuration, formatInstant } from "./durations.ts";
import { glyphsOf, runGlyph, stepGlyph } from "./glyphs.ts";
import { plain, type Style } from "./io.ts";

export interface DrawOptions extends Style {
  /** Epoch ms; bars of what is not over end here. */
  readonly nowMs: number;
}

const INDENT = "  ";
const GAP = "  ";
/** Glyph and a space. */
const GLYPH_COLUMNS = 2;
const LEAST_BAR = 8;
const LEAST_NOTE = 8;
/** Neither names nor notes take more of the line than this. */
const LARGEST_SHARE = 0.3;

interface Layout {
  readonly nameColumns: number;
  readonly noteColumns: number;
  readonly scale: Scale;
}

export function drawRun(run: RunView, options: DrawOptions): readonly string[] {
  const layout = planLayout(run, options);
  const rows = run.steps.map((step) => drawStep(step, run, layout, options));
  const hasBegun = rows.length > 0 && run.startedAt !== null;
  return [
    ...drawHead(run, options),
    "",
    ...rows,
    ...(hasBegun ? [marginOf(layout) + drawAxis(layout.scale, options)] : []),
    ...drawEnd(run, options),
  ];
}

function drawHead(run: RunView, options: DrawOptions): readonly string[] {
  const [glyph, color] = runGlyph(run, glyphsOf(options));
  const { paint } = options;
  const took = run.durationMs === null ? "" : ` in ${formatDuration(run.durationMs)}`;
  const origin = [
    `${plain(run.workflowId)} version ${run.workflowVersion}`,
    `by ${run.triggerType}`,
    formatInstant(run.createdAt),
  ].join(", ");
  const end = `${run.status}${took}`;
  const isOneLine = GLYPH_COLUMNS + run.id.length + 1 + end.length <= options.columns;
  return [
    `${paint(color, glyph)} ${paint("bold", run.id)}${isOneLine ? ` ${paint(color, end)}` : ""}`,
    ...(isOneLine ? [] : [INDENT + paint(color, end)]),
    paint("dim", INDENT + cut(origin, options.columns - INDENT.length)),
  ];
}

function planLayout(run: RunView, { columns, nowMs }: DrawOptions): Layout {
  const share = Math.floor(columns * LARGEST_SHARE);
  const longest = (texts: readonly string[]): number =>
    Math.min(
      share,
      texts.reduce((most, text) => Math.max(most, columnsOf(text)), 0),
    );
  const nameColumns = longest(run.steps.map((step) => plain(step.id)));
  const noteColumns = Math.max(LEAST_NOTE, longest(run.steps.map((step) => noteOf(step, run))));
  const used = INDENT.length + GLYPH_COLUMNS + nameColumns + 2 * GAP.length + noteColumns;
  const fromMs = Date.parse(run.startedAt ?? run.createdAt);
  const toMs = run.completedAt === null ? nowMs : Date.parse(run.completedAt);
  const cells = Math.max(LEAST_BAR, columns - used);
  return { nameColumns, noteColumns, scale: { fromMs, spanMs: Math.max(1, toMs - fromMs), cells } };
}

const marginOf = ({ nameColumns }: Layout): string =>
  INDENT + " ".repeat(GLYPH_COLUMNS + nameColumns) + GAP;

function drawStep(step: StepView, run: RunView, layout: Layout, options: DrawOptions): string {
  const { paint } = options;
  const { nameColumns, noteColumns, scale } = layout;
  const isWaiting = isWaitedOn(step, run);
  const [glyph, color] = stepGlyph(step, isWaiting, glyphsOf(options));
  const name = padEnd(cut(plain(step.id), nameColumns), nameColumns);
  const note = cut(noteOf(step, run), noteColumns);
  return [
    `${INDENT}${paint(color, glyph)} ${step.status === "skipped" ? paint("dim", name) : name}`,
    drawBar(step, { ...options, scale, isWaiting }),
    paint(step.status === "failed" ? "red" : "dim", note),
  ]
    .join(GAP)
    .trimEnd();
}

function drawEnd(run: RunView, options: DrawOptions): readonly string[] {
  const { paint, columns, nowMs } = options;
  const shown = (text: string): string => INDENT + cut(text, columns - INDENT.length);
  const lines: string[] = [];
  if (run.error === null) {
    const errors = run.steps.flatMap(({ error }) => (error === null ? [] : [error]));
    lines.push(...errors.map((error) => paint("yellow", shown(describeError(error)))));
  } else lines.push(paint("red", shown(describeError(run.error))));
  if (run.cancelRequestedAt !== null && run.completedAt === null) {
    lines.push(shown(`was asked to stop at ${formatInstant(run.cancelRequestedAt)}`));
  }
  if (run.waitingOn !== null) lines.push(shown(describeWaiting(run.waitingOn, nowMs)));
  if (run.status === "completed") lines.push(shown(`output ${plain(JSON.stringify(run.output))}`));
  return lines.length === 0 ? [] : ["", ...lines];
}

const describeError = ({ stepId, message, code }: ErrorView): string =>
  `${stepId === null ? "" : `${plain(stepId)}: `}${plain(message)} (${code})`;

function describeWaiting(waiting: WaitingView, nowMs: number): string {
  switch (waiting.kind) {
    case "timer":
      return `waits in ${plain(waiting.step)} until ${formatInstant(waiting.until)}${inTime(waiting.until, nowMs)}`;
    case "retry":
      return `tries ${plain(waiting.step)} again${inTime(waiting.until, nowMs)} (attempt ${waiting.attempt})`;
    case "child":
      return `waits in ${plain(waiting.step)} for ${waiting.runId}`;
    case "event": {
      const limit =
        waiting.until === null
          ? ""
          : ` until ${formatInstant(waiting.until)}${inTime(waiting.until, nowMs)}`;
      return `waits in ${plain(waiting.step)} for event "${plain(waiting.event)}"${limit}`;
    }
    case "worker":
      if (waiting.function !== undefined)
        return `waits for a worker that offers function "${plain(waiting.function)}"`;
      return `waits for a worker that offers workflow "${plain(waiting.workflow)}" in version "${plain(waiting.version)}"`;
    case "quarantine":
      return `is set aside, since its process died again and again${inStep(waiting.step)}`;
    case "divergence":
      return `is parked${inStep(waiting.step)}: ${plain(waiting.message)}`;
  }
}

const inStep = (step: string | null): string => (step === null ? "" : ` in ${plain(step)}`);

function inTime(until: string, nowMs: number): string {
  const leftMs = Date.parse(until) - nowMs;
  return leftMs > 0 ? `, in ${formatDuration(leftMs)}` : "";
}

/** What stands behind the bar. */
function noteOf(step: StepView, run: RunView): string {
  const hasFailed = step.attempts.some(({ error }) => error !== null);
  const tries = step.attempts.length;
  const triesNote = hasFailed ? `, ${tries} ${tries === 1 ? "try" : "tries"}` : "";
  switch (step.status) {
    case "pending":
      return "";
    case "skipped":
      return "skipped";
    case "running":
      return (isWaitedOn(step, run) ? "waiting" : "running") + triesNote;
    case "cancelled":
      return `cancelled${triesNote}`;
    case "completed":
    case "failed":
      return formatDuration(step.durationMs ?? 0) + triesNote;
  }
}

/** The run waits in this step; or as a whole, so that no step is at work. */
function isWaitedOn(step: StepView, { waitingOn }: RunView): boolean {
  if (step.status !== "running" || waitingOn === null) return false;
  return !("step" in waitingOn) || waitingOn.step === null || waitingOn.step === step.id;
}
