import type { RunView, StepView } from "../doors/rest/run-view.ts";
import type { Color, Style } from "./io.ts";

export interface Glyphs {
  readonly done: string;
  readonly failed: string;
  readonly moving: string;
  readonly waiting: string;
  readonly skipped: string;
  readonly pending: string;
  /** A body at work. */
  readonly work: string;
  /** Work too short for a cell. */
  readonly instant: string;
  /** A body that failed. */
  readonly failure: string;
  /** Nothing works: a wait, or the time before another try. */
  readonly pause: string;
  readonly tick: string;
}

const UNICODE: Glyphs = {
  done: "✔",
  failed: "✖",
  moving: "▶",
  waiting: "◷",
  skipped: "–",
  pending: "·",
  work: "█",
  instant: "▏",
  failure: "▚",
  pause: "┄",
  tick: "╵",
};

const ASCII: Glyphs = {
  done: "v",
  failed: "x",
  moving: ">",
  waiting: "~",
  skipped: "-",
  pending: ".",
  work: "#",
  instant: "|",
  failure: "x",
  pause: ".",
  tick: "'",
};

export type Glyph = readonly [shown: string, color: Color];

export const glyphsOf = ({ hasUnicode }: Pick<Style, "hasUnicode">): Glyphs =>
  hasUnicode ? UNICODE : ASCII;

export function stepGlyph(step: StepView, isWaiting: boolean, glyphs: Glyphs): Glyph {
  switch (step.status) {
    case "completed":
      return [glyphs.done, "green"];
    case "failed":
      return [glyphs.failed, "red"];
    case "cancelled":
      return [glyphs.failed, "yellow"];
    case "skipped":
      return [glyphs.skipped, "dim"];
    case "pending":
      return [glyphs.pending, "dim"];
    case "running":
      return isWaiting ? [glyphs.waiting, "yellow"] : [glyphs.moving, "cyan"];
  }
}

export function runGlyph(run: Pick<RunView, "status" | "waitingOn">, glyphs: Glyphs): Glyph {
  switch (run.status) {
    case "completed":
      return [glyphs.done, "green"];
    case "failed":
      return [glyphs.failed, "red"];
    case "cancelled":
      return [glyphs.failed, "yellow"];
    case "pending":
      return [glyphs.pending, "dim"];
    case "running":
      return run.waitingOn === null ? [glyphs.moving, "cyan"] : [glyphs.waiting, "yellow"];
  }
}
