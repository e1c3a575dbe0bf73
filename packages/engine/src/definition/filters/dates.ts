import type { JsonValue } from "@millrace/protocol";
import { didYouMean } from "../did-you-mean.ts";
import type { Cost } from "./cost.ts";
import {
  defineFilter,
  integerParam,
  optional,
  parsedParam,
  type Filter,
  type Param,
} from "./filter.ts";
import {
  addTo,
  inZone,
  readMoment,
  readZone,
  toIsoText,
  UNITS,
  type Moment,
  type Unit,
} from "./instant.ts";
import { parsePattern } from "./strftime.ts";
import { ArgumentError } from "./template-error.ts";

/** What a date costs, in visits: zones are looked up by the platform. */
const DATE_VISITS = 50;
const MAX_AMOUNT = 1e15;
const LONGEST_PATTERN = 1000;

/** A filter that begins with a date. */
const defineDateFilter = <A extends readonly unknown[]>(
  name: string,
  description: string,
  params: { readonly [K in keyof A]: Param<A[K]> },
  change: (moment: Moment, ...args: A) => JsonValue,
): Filter =>
  defineFilter<A>(name, description, {
    params,
    apply: (input, cost: Cost, ...args) => {
      if (input === undefined || input === null) return input;
      cost.visit(DATE_VISITS);
      return change(readMoment(input), ...args);
    },
  });

const patternParam = parsedParam("pattern", (text) => {
  if (text.length <= LONGEST_PATTERN) return parsePattern(text);
  throw new ArgumentError(`needs a pattern of at most ${LONGEST_PATTERN} characters`);
});
const zoneParam = parsedParam("zone", readZone);

const unitParam = parsedParam("unit", (text): Unit => {
  const name = text.toLowerCase();
  const unit = UNITS.find((one) => one === name || one === `${name}s`);
  if (unit !== undefined) return unit;
  throw new ArgumentError(
    `needs a unit of time; there is no ${JSON.stringify(text.slice(0, 60))}`,
    () => didYouMean(name, UNITS)() ?? `one of ${UNITS.join(", ")}`,
  );
});

export const DATE_FILTERS: readonly Filter[] = [
  defineDateFilter(
    "date",
    "As text by a pattern, in a time zone or in that of the text. Default: UTC.",
    [patternParam, optional(zoneParam)],
    (moment, pattern, zone) => pattern(zone === undefined ? moment : inZone(moment, zone)),
  ),
  defineDateFilter(
    "date_add",
    "So much later; earlier, if negative.",
    [integerParam("amount", -MAX_AMOUNT, MAX_AMOUNT), unitParam],
    (moment, amount, unit) => toIsoText(addTo(moment, amount, unit)),
  ),
  defineDateFilter("timezone", "The same instant, in a time zone.", [zoneParam], (moment, zone) =>
    toIsoText(inZone(moment, zone)),
  ),
  defineDateFilter("to_iso", "As ISO text in UTC.", [], (moment) =>
    toIsoText(inZone(moment, "UTC")),
  ),
  defineDateFilter("to_unix", "Seconds since 1970; the fraction is dropped.", [], (moment) =>
    Math.floor(moment.epochMilliseconds / 1000),
  ),
];
