// One step's bar: its attempts and pauses as cells on the run's time axis.
import type { StepView } from "../doors/rest/run-view.ts";
import { formatDuration } from "./durations.ts";
import { glyphsOf } from "./glyphs.ts";
import type { Color, Style } from "./io.ts";

/** How time becomes place. */
export interface Scale {
  readonly fromMs: number;
  /** At least 1. */
  readonly spanMs: number;
  readonly cells: number;
}

type Cell = "space" | "work" | "instant" | "failure" | "pause";

const COLORS: Readonly<Record<Cell, Color | null>> = {
  space: null,
  work: "green",
  instant: "green",
  failure: "red",
  pause: "dim",
};

export interface BarOptions extends Style {
  readonly scale: Scale;
  /** Epoch ms; what is not over ends here. */
  readonly nowMs: number;
  /** The run waits in this step. */
  readonly isWaiting: boolean;
}

/** Later marks cover earlier ones: the pause from first to last, then the attempts. */
export function drawBar(step: StepView, options: BarOptions): string {
  const { scale, nowMs } = options;
  const cells: Cell[] = Array.from({ length: scale.cells }, () => "space");
  const mark = (kind: Cell, from: string, to: string | null): void => {
    const fromMs = Date.parse(from);
    const toMs = to === null ? nowMs : Date.parse(to);
    const start = Math.min(placeOf(fromMs, scale), scale.cells - 1);
    const end = Math.max(start + 1, placeOf(toMs, scale));
    const isInstant = kind === "work" && (toMs - fromMs) * scale.cells * 2 < scale.spanMs;
    cells.fill(isInstant ? "instant" : kind, start, end);
  };
  const isPause = spendsItsTimeWaiting(step);
  if (step.startedAt !== null) {
    const kind = isPause || options.isWaiting || step.attempts.length > 0 ? "pause" : "work";
    mark(kind, step.startedAt, step.completedAt);
  }
  for (const { startedAt, completedAt, error } of isPause ? [] : step.attempts) {
    mark(error === null ? "work" : "failure", startedAt, completedAt);
  }
  return paintCells(cells, options);
}

/** Of JSON workflows, then of code: no body works in them. */
const WAITS: ReadonlySet<string> = new Set([
  "wait",
  "subworkflow",
  "sleep",
  "waitForEvent",
  "invoke",
]);

const spendsItsTimeWaiting = ({ type }: StepView): boolean => WAITS.has(type);

/** 0 to `cells`: the cell that begins at or before the instant. */
function placeOf(ms: number, { fromMs, spanMs, cells }: Scale): number {
  const place = Math.floor(((ms - fromMs) / spanMs) * cells);
  return Math.min(Math.max(place, 0), cells);
}

/** Neighbours of one kind share a colour code. */
function paintCells(cells: readonly Cell[], style: Style): string {
  const shown: Readonly<Record<Cell, string>> = { space: " ", ...glyphsOf(style) };
  let text = "";
  for (let at = 0; at < cells.length;) {
    const kind = cells[at] ?? "space";
    let end = at;
    while (end < cells.length && cells[end] === kind) end++;
    const color = COLORS[kind];
    const part = shown[kind].repeat(end - at);
    text += color === null ? part : style.paint(color, part);
    at = end;
  }
  return text;
}

/** Before a tick's label there must be room for the one before it. */
const CELLS_PER_TICK = 11;

/** Round times below the bars. */
export function drawAxis({ cells, spanMs }: Scale, style: Style): string {
  const { tick } = glyphsOf(style);
  const stepMs = roundUp(spanMs / Math.max(1, Math.floor(cells / CELLS_PER_TICK)));
  let line = "";
  for (let at = 0; at <= spanMs; at += stepMs) {
    const label = tick + formatTick(at);
    const place = Math.floor((at / spanMs) * cells);
    if (place + label.length > cells) break;
    line = line.padEnd(place) + label;
  }
  return style.paint("dim", line);
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ROUND_TIMES = [1, 15, 30].flatMap((n) => [n * SECOND, n * MINUTE, n * HOUR]);

/** 1, 2 or 5 times a power of ten; from seconds on what a clock shows as round. */
function roundUp(ms: number): number {
  const clock = [...ROUND_TIMES, 2 * SECOND, 5 * SECOND, 5 * MINUTE, 6 * HOUR, 12 * HOUR, DAY]
    .toSorted((a, b) => a - b)
    .find((one) => one >= ms);
  if (clock !== undefined && clock > SECOND) return clock;
  const unit = ms > DAY ? DAY : 1;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, ms / unit)));
  const factor = [1, 2, 5, 10].find((one) => one * power * unit >= ms) ?? 10;
  return factor * power * unit;
}

/** Round times need no decimals that say nothing. */
function formatTick(ms: number): string {
  if (ms === 0) return "0";
  return ms >= SECOND && ms < MINUTE ? `${ms / SECOND} s` : formatDuration(ms);
}
