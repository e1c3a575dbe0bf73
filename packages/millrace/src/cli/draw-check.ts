// What a check found, for people: a block for each thing that is wrong, however many runs have it.
import type { CheckedRun, CheckResult } from "@millrace/sdk/check";
import { glyphsOf } from "./glyphs.ts";
import { cut } from "./columns.ts";
import { plain, type Color, type Style } from "./io.ts";
import { formatCount } from "./progress.ts";

/** Runs that are named of each block; `--json` names all. */
const MOST_NAMED = 5;
const MOST_UNREADABLE = 10;
/** Of a text out of a record, which may be as long as its line. */
const LONGEST_TEXT = 400;

const short = (text: string): string => cut(plain(text), LONGEST_TEXT);

type Differing = Extract<CheckedRun, { result: "differs" }>;
type Other = Extract<CheckedRun, { result: "stuck" | "no-code" }>;
type Unreadable = Extract<CheckedRun, { result: "unreadable" }>;

/** @param placeOf where the record of this number stands */
export function drawFindings(
  findings: readonly CheckedRun[],
  placeOf: (number: number) => string,
  style: Style,
): readonly string[] {
  const differing = findings.filter((it) => it.result === "differs");
  const others = findings.filter((it) => it.result === "stuck" || it.result === "no-code");
  const unreadable = findings.filter((it) => it.result === "unreadable");
  return [
    ...groupBy(differing, differenceOf).flatMap((group) => [...drawDifference(group, style), ""]),
    ...groupBy(others, otherOf).flatMap((group) => [...drawOther(group, style), ""]),
    ...drawUnreadable(unreadable, placeOf, style),
  ];
}

type Group<T> = readonly [T, ...T[]];

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly Group<T>[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

const differenceOf = (run: Differing): string =>
  JSON.stringify([
    run.workflow,
    run.version,
    run.step,
    run.sequence,
    run.expected,
    run.asked,
    run.isStructureOnly,
  ]);

const otherOf = ({ result, workflow, version, message }: Other): string =>
  JSON.stringify([result, workflow, version, message]);

function drawDifference(group: Group<Differing>, style: Style): readonly string[] {
  const [{ step, sequence, expected, asked, isStructureOnly }] = group;
  const entry = sequence === null ? "" : `, entry ${sequence}`;
  const where = step === null ? "at its end" : `at ${JSON.stringify(step)}${entry}`;
  const lines = [
    drawHead(group, where, ["failed", "red"], style),
    ...drawRuns(group, style),
    `    journal  ${short(expected)}`,
    `    code     ${short(asked.replace(/^the code /, ""))}`,
  ];
  if (!isStructureOnly) return lines;
  return [...lines, style.paint("dim", "    structure only: may be the missing data")];
}

const drawOther = (group: Group<Other>, style: Style): readonly string[] => {
  const [{ result, message }] = group;
  const word = result === "stuck" ? "stuck" : "no code";
  const glyph =
    result === "stuck" ? (["failed", "red"] as const) : (["skipped", "yellow"] as const);
  return [drawHead(group, word, glyph, style), ...drawRuns(group, style), `    ${short(message)}`];
};

function drawHead(
  [{ workflow, version }, ...rest]: Group<Differing | Other>,
  what: string,
  [glyph, color]: readonly ["failed" | "skipped", Color],
  style: Style,
): string {
  const count = rest.length === 0 ? "1 run" : `${formatCount(rest.length + 1)} runs`;
  const name = style.paint("bold", short(workflow));
  const mark = style.paint(color, glyphsOf(style)[glyph]);
  return `${mark} ${name} version ${short(version)}, ${short(what)}: ${count}`;
}

function drawRuns(group: Group<Differing | Other>, { paint }: Style): readonly string[] {
  const named = group.slice(0, MOST_NAMED).map(({ runId }) => `    ${short(runId)}`);
  const restCount = group.length - named.length;
  const rest = restCount > 0 ? [`    and ${formatCount(restCount)} more`] : [];
  return [...named, ...rest].map((line) => paint("dim", line));
}

function drawUnreadable(
  runs: readonly Unreadable[],
  placeOf: (number: number) => string,
  { paint }: Style,
): readonly string[] {
  if (runs.length === 0) return [];
  const shown = runs
    .slice(0, MOST_UNREADABLE)
    .map(({ number, message }) => paint("red", short(`${placeOf(number)}: ${message}`)));
  const restCount = runs.length - shown.length;
  return [...shown, ...(restCount > 0 ? [`… and ${formatCount(restCount)} more`] : []), ""];
}

const TOTALS: readonly (readonly [CheckResult, words: string, color: Color])[] = [
  ["differs", "differ", "red"],
  ["stuck", "stuck", "red"],
  ["no-code", "without code", "yellow"],
  ["unreadable", "unreadable", "red"],
];

export function drawTotals(
  counts: Readonly<Record<CheckResult, number>>,
  { paint }: Style,
): string {
  const parts = TOTALS.filter(([result]) => counts[result] > 0).map(([result, words, color]) =>
    paint(color, `${formatCount(counts[result])} ${words}`),
  );
  return [paint("green", `${formatCount(counts.same)} the same`), ...parts].join(", ");
}
