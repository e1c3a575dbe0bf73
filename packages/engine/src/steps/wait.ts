import { MAX_DURATION_MS, type JsonValue } from "@millrace/protocol";
import { checkRange } from "../definition/field-reader.ts";
import { describeValue } from "../definition/json-shape.ts";
import { parseNumber } from "../definition/plain-number.ts";
import { evaluate, TemplateError } from "../definition/render.ts";
import type { Scope } from "../definition/scope.ts";
import type { StepKind, StepReader } from "../definition/step-kind.ts";
import { readUnusedCallPolicy } from "./call-policy.ts";
import { checkInstant, parseInstant } from "./instant.ts";

const DURATION = { min: 0, max: MAX_DURATION_MS };

/**
 * `{ "type": "wait", "config": { "duration": 60000 } }`, or `until` with an instant. Its output is
 * `{ "waited": <ms> }`. An instant that is past ends the wait at once.
 */
export const waitKind: StepKind = {
  type: "wait",
  compile(step) {
    const { config } = step;
    readUnusedCallPolicy(step);
    const isDuration = config.has("duration");
    const isUntil = config.has("until");
    if (isDuration && isUntil) {
      config.error("until", "Stands beside `duration`; a wait has one of them");
      return null;
    }
    if (isUntil) return readWait(step, "until", toInstant, (at) => ({ at }));
    config.require("duration", "milliseconds; or `until` with an instant");
    return isDuration ? readWait(step, "duration", toDuration, (afterMs) => ({ afterMs })) : null;
  },
};

type Due = { readonly afterMs: number } | { readonly at: number };
/** A value as milliseconds, or what is wrong with it. */
type Reading = number | string;

function readWait(
  step: StepReader,
  name: string,
  read: (value: JsonValue) => Reading,
  toDue: (ms: number) => Due,
): ReturnType<StepKind["compile"]> {
  const template = step.template(step.config, name);
  if (template === undefined) return null;
  const { root } = template;
  if (root.kind === "literal") {
    const ms = read(root.value);
    if (typeof ms === "number") return { request: () => ({ kind: "timer", due: toDue(ms) }) };
    step.config.error(name, ms, name === "duration" ? hintAtMilliseconds(root.value) : undefined);
    return null;
  }
  const request = (scope: Scope) => {
    const value = evaluate(template, scope);
    const ms = value === undefined ? "Leads nowhere" : read(value);
    if (typeof ms === "string") throw new TemplateError(`${template.where}: ${ms}`);
    return { kind: "timer", due: toDue(ms) } as const;
  };
  return { request };
}

function toDuration(value: JsonValue): Reading {
  const ms = parseNumber(value);
  if (ms === undefined)
    return `Expected milliseconds as a number, received ${describeValue(value)}`;
  return checkRange(ms, DURATION) ?? ms;
}

function toInstant(value: JsonValue): Reading {
  const at =
    typeof value === "string" ? (parseInstant(value) ?? parseNumber(value)) : parseNumber(value);
  const instant = at === undefined ? undefined : checkInstant(at);
  return instant ?? `Expected an instant (ISO 8601 or epoch ms), received ${describeValue(value)}`;
}

const UNIT_MS = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** For "5m", which other systems read. */
function hintAtMilliseconds(value: JsonValue): string | undefined {
  const match = typeof value === "string" ? /^(\d{1,9}) ?([a-z]{1,2})$/.exec(value) : null;
  const unit = UNIT_MS.get(match?.[2] ?? "");
  return unit === undefined ? undefined : `write ${Number(match?.[1]) * unit}`;
}
