import { describeValue } from "../definition/json-shape.ts";
import type { FieldReader } from "../definition/field-reader.ts";
import { evaluate, TemplateError } from "../definition/render.ts";
import { compilePattern, type Pattern } from "../definition/schema/pattern.ts";
import type { Scope } from "../definition/scope.ts";
import type { StepReader } from "../definition/step-kind.ts";
import { toText } from "./comparison.ts";

/** Longer ones are programs, not patterns. */
const MAX_PATTERN_LENGTH = 1_000;
/** Instructions of the pattern times characters of the text: at most half a second (measured, Node 24). */
const MAX_WORK = 10_000_000;

const HINT = "patterns are RE2's: no look-around, no back references, at most 1,000 characters";

/** Whether the value of the left side has something that the right side describes. */
export type Match = (left: Parameters<typeof toText>[0], scope: Scope) => boolean;

/**
 * The right side of `matches`: a pattern that is found anywhere in the text, unless `^` and `$` hold it. As the
 * author wrote it, it is compiled once and its mistakes are found at create; a template is compiled at each
 * evaluation.
 */
export function readMatch(step: StepReader, reader: FieldReader): Match | undefined {
  reader.require("right", "a pattern, such as ^INV-[0-9]+$");
  const source = reader.value("right");
  if (source === undefined) return undefined;
  if (typeof source !== "string") {
    reader.error("right", `Expected a pattern, received ${describeValue(source)}`);
    return undefined;
  }
  if (source.includes("{{")) return readTemplate(step, reader);
  const compiled = compile(source);
  if (typeof compiled !== "string") return (left) => isMatch(compiled, left);
  reader.error("right", compiled, HINT);
  return undefined;
}

function readTemplate(step: StepReader, reader: FieldReader): Match | undefined {
  const template = step.template(reader, "right");
  if (template === undefined) return undefined;
  return (left, scope) => {
    const source = evaluate(template, scope);
    const pattern = typeof source === "string" ? compile(source) : "Must be a text";
    if (typeof pattern !== "string") return isMatch(pattern, left);
    throw new TemplateError(`${template.where} is no pattern: ${pattern}; ${HINT}`);
  };
}

/** @returns what is wrong with the pattern, if anything is */
function compile(source: string): Pattern | string {
  if (source.length > MAX_PATTERN_LENGTH) return `Is longer than ${MAX_PATTERN_LENGTH} characters`;
  const compiled = compilePattern(source);
  return compiled.ok ? compiled.pattern : compiled.message;
}

function isMatch(pattern: Pattern, left: Parameters<Match>[0]): boolean {
  const text = toText(left);
  if (text === undefined) return false;
  if (text.length * pattern.size <= MAX_WORK) return pattern.test(text);
  throw new TemplateError(
    `A text of ${text.length} characters is too long for the pattern ${describeValue(pattern.source)}`,
  );
}
