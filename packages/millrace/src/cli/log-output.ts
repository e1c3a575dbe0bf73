// How log lines reach standard error: as they are, or short for somebody who reads along.
import { formatDuration } from "./durations.ts";
import { plain, type Color, type Style } from "./io.ts";

/** Lines of one turn of the event loop leave as one write: each write is a call of the system. */
export function createLineBuffer(write: (text: string) => void): {
  readonly add: (line: string) => void;
  readonly flush: () => void;
} {
  let waiting = "";
  const flush = (): void => {
    const text = waiting;
    waiting = "";
    if (text !== "") write(text);
  };
  return {
    add: (line) => {
      if (waiting === "") setImmediate(flush);
      waiting += line;
    },
    flush,
  };
}

const LEVEL_COLORS: Readonly<Record<string, Color>> = { warn: "yellow", error: "red" };
/** Shown in places of their own, or of no use to a reader. */
const PLACED = new Set([
  "level",
  "time",
  "msg",
  "requestId",
  "method",
  "path",
  "status",
  "ms",
  "err",
  "stack",
]);

/** `07:12:03 POST /api/v1/workflows/wf_order/run 201 1 ms runId=run_…` */
export function prettyLine(line: string, { paint }: Style): string {
  const fields = parseLine(line);
  const level = textOf(fields["level"]);
  const time = textOf(fields["time"]).slice(11, 19);
  const more = Object.entries(fields)
    // The path of most requests about a run has its id.
    .filter(([name, value]) => !PLACED.has(name) && !textOf(fields["path"]).includes(textOf(value)))
    .map(([name, value]) => `${name}=${textOf(value)}`);
  const isUsual = level === "info" || level === "debug";
  const label = isUsual ? "" : `${paint(LEVEL_COLORS[level] ?? "dim", plain(level))} `;
  const words = [messageOf(fields), ...more, errorOf(fields["err"])].filter((it) => it !== "");
  return `${paint("dim", plain(time))} ${label}${plain(words.join(" "))}\n`;
}

function messageOf(fields: Readonly<Record<string, unknown>>): string {
  const { method, path, status, ms } = fields;
  if (typeof method !== "string" || typeof ms !== "number") return textOf(fields["msg"]);
  return `${method} ${textOf(path)} ${textOf(status)} ${formatDuration(ms)}`;
}

function errorOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("message" in error)) return "";
  return `(${textOf(error.message)})`;
}

function parseLine(line: string): Readonly<Record<string, unknown>> {
  // Our own log wrote it.
  return JSON.parse(line) as Readonly<Record<string, unknown>>;
}

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
