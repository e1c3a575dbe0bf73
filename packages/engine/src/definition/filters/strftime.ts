// The patterns of `date`: `%Y-%m-%d`. Names are English. Flags between `%` and the letter: `-` no padding, `_` spaces,
// `0` zeros, `^` upper case.
import type { Moment } from "./instant.ts";
import { ArgumentError } from "./template-error.ts";

/** A pattern that was read. */
export type DatePattern = (moment: Moment) => string;

interface Directive {
  /** Digits, for a number. */
  readonly width?: number;
  readonly pad?: "0" | " ";
  of(moment: Moment): string | number;
}

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const monthOf = ({ month }: Moment): string => MONTHS[month - 1] ?? "";
const dayOf = ({ dayOfWeek }: Moment): string => DAYS[dayOfWeek - 1] ?? "";
const hour12 = ({ hour }: Moment): number => hour % 12 || 12;
/** @param firstDay 0: weeks begin on Sundays; 1: on Mondays */
const weekOf = ({ dayOfYear, dayOfWeek }: Moment, firstDay: number): number =>
  Math.floor((dayOfYear + 6 - ((dayOfWeek - firstDay + 7) % 7)) / 7);

const two = (of: (moment: Moment) => number, pad: "0" | " " = "0"): Directive => ({
  width: 2,
  pad,
  of,
});
const name = (of: (moment: Moment) => string): Directive => ({ of });

const DIRECTIVES: ReadonlyMap<string, Directive> = new Map([
  ["Y", { width: 4, of: ({ year }) => year }],
  ["C", two(({ year }) => Math.floor(year / 100))],
  ["y", two(({ year }) => year % 100)],
  ["m", two(({ month }) => month)],
  ["B", name(monthOf)],
  ["b", name((moment) => monthOf(moment).slice(0, 3))],
  ["h", name((moment) => monthOf(moment).slice(0, 3))],
  ["d", two(({ day }) => day)],
  ["e", two(({ day }) => day, " ")],
  ["j", { width: 3, of: ({ dayOfYear }) => dayOfYear }],
  ["A", name(dayOf)],
  ["a", name((moment) => dayOf(moment).slice(0, 3))],
  ["u", name(({ dayOfWeek }) => String(dayOfWeek))],
  ["w", name(({ dayOfWeek }) => String(dayOfWeek % 7))],
  ["U", two((moment) => weekOf(moment, 0))],
  ["W", two((moment) => weekOf(moment, 1))],
  ["V", two(({ weekOfYear }) => weekOfYear ?? 0)],
  ["G", { width: 4, of: ({ yearOfWeek, year }) => yearOfWeek ?? year }],
  ["H", two(({ hour }) => hour)],
  ["k", two(({ hour }) => hour, " ")],
  ["I", two(hour12)],
  ["l", two(hour12, " ")],
  ["M", two(({ minute }) => minute)],
  ["S", two(({ second }) => second)],
  ["L", { width: 3, of: ({ millisecond }) => millisecond }],
  ["p", name(({ hour }) => (hour < 12 ? "AM" : "PM"))],
  ["P", name(({ hour }) => (hour < 12 ? "am" : "pm"))],
  ["z", name(({ offset }) => offset.replace(":", ""))],
  ["Z", name(({ timeZoneId, offset }) => (timeZoneId === "UTC" ? "UTC" : offset))],
  ["s", name(({ epochMilliseconds }) => String(Math.floor(epochMilliseconds / 1000)))],
  ["Q", name(({ epochMilliseconds }) => String(epochMilliseconds))],
] satisfies readonly (readonly [string, Directive])[]);

/** Directives that stand for several. */
const COMPOSED: ReadonlyMap<string, string> = new Map([
  ["F", "%Y-%m-%d"],
  ["T", "%H:%M:%S"],
  ["X", "%H:%M:%S"],
  ["R", "%H:%M"],
  ["r", "%I:%M:%S %p"],
  ["D", "%m/%d/%y"],
  ["x", "%m/%d/%y"],
  ["c", "%a %b %e %H:%M:%S %Y"],
  ["v", "%e-%^b-%Y"],
  ["%", "%"],
  ["n", "\n"],
  ["t", "\t"],
]);

const PART = /%([-_0^]*)(:?[a-zA-Z%])?/g;

/** @throws {ArgumentError} there is no such directive */
export function parsePattern(pattern: string): DatePattern {
  const parts: (string | DatePattern)[] = [];
  let end = 0;
  for (const match of pattern.matchAll(PART)) {
    if (match.index > end) parts.push(pattern.slice(end, match.index));
    parts.push(toPart(match[1] ?? "", match[2] ?? ""));
    end = match.index + match[0].length;
  }
  if (end < pattern.length) parts.push(pattern.slice(end));
  return (moment) => parts.map((part) => (typeof part === "string" ? part : part(moment))).join("");
}

function toPart(flags: string, letter: string): string | DatePattern {
  if (letter === ":z") return ({ offset }) => offset;
  const directive = DIRECTIVES.get(letter);
  if (directive !== undefined) return (moment) => format(directive, flags, moment);
  const composed = COMPOSED.get(letter);
  if (composed === undefined) {
    throw new ArgumentError(
      `has no date part %${letter}`,
      "such as %Y-%m-%d %H:%M:%S; a percent sign itself is %%",
    );
  }
  return composed.length > 1 ? parsePattern(composed) : composed;
}

function format(directive: Directive, flags: string, moment: Moment): string {
  const { width = 1, pad = "0" } = directive;
  const value = directive.of(moment);
  const text = String(value);
  if (typeof value === "string") return flags.includes("^") ? text.toUpperCase() : text;
  if (flags.includes("-")) return text;
  const filler = flags.includes("_") ? " " : flags.includes("0") ? "0" : pad;
  return text.padStart(width, filler);
}
