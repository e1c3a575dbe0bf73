import {
  MAX_DURATION_MS,
  TRIGGER_TYPES,
  type Definition,
  type JsonValue,
} from "@millrace/protocol";
import { FieldReader } from "./field-reader.ts";
import { show, type JsonObject } from "./json-shape.ts";
import { LATER_DEFINITION_FIELDS, LATER_TRIGGERS } from "./later.ts";
import { didYouMean } from "./did-you-mean.ts";
import { arrange, toPositions, type Plan } from "./plan.ts";
import { readClaims } from "./read-claims.ts";
import { readIds, readSteps, readTemplate, type Reading, type Reference } from "./read-steps.ts";
import type { Report } from "./report.ts";
import type { StepKinds } from "./step-kind.ts";

/** @returns null if the report has errors; else the report may have warnings */
export function readDefinition(value: JsonValue, kinds: StepKinds, report: Report): Plan | null {
  const fields = FieldReader.open(value, [], report);
  if (fields === undefined) return null;
  fields.require("name");
  fields.name("name");
  fields.text("description");
  fields.number("timeoutMs", { min: 1, max: MAX_DURATION_MS });
  readTrigger(fields);
  const list = readList(fields);
  const ids = readIds(list, report);
  const reading: Reading = { kinds, report, ids, references: [] };
  const steps = readSteps(list, reading);
  const claims = readClaims(steps, ids, report);
  const given = fields.value("output");
  const output = given === undefined ? null : readTemplate(given, ["output"], null, reading);
  fields.refuseLater(LATER_DEFINITION_FIELDS);
  fields.refuseOthers();
  if (!report.isClean) return null;
  const order = arrange(steps, claims);
  const positions = toPositions(order);
  warnOfEarlyReads(reading.references, positions, report);
  return {
    definition: toDefinition(value, fields.has("trigger")),
    steps: order,
    positions,
    output,
  };
}

function readTrigger(fields: FieldReader): void {
  const trigger = fields.object("trigger");
  if (trigger === undefined) return;
  const hint = `one of ${TRIGGER_TYPES.join(", ")}`;
  trigger.require("type", hint);
  const type = trigger.text("type");
  if (type === undefined) return;
  const known: readonly string[] = TRIGGER_TYPES;
  if (!known.includes(type)) {
    trigger.error(
      "type",
      `Unknown trigger type ${show(type)}`,
      () => didYouMean(type, known)() ?? hint,
    );
  } else if (LATER_TRIGGERS.has(type)) {
    trigger.warn("type", `Nothing fires a trigger of type ${show(type)} yet`, "start runs by API");
  }
}

function readList(fields: FieldReader): readonly JsonValue[] {
  fields.require("steps");
  const list = fields.list("steps");
  if (list?.length === 0) fields.error("steps", "Must have at least one step");
  return list ?? [];
}

/** A step that has not run by then, whatever the conditions choose, gives nothing to read. */
function warnOfEarlyReads(
  references: readonly Reference[],
  positions: ReadonlyMap<string, number>,
  report: Report,
): void {
  for (const { from, to, at } of references) {
    if (from === null || (positions.get(to) ?? -1) < (positions.get(from) ?? -1)) continue;
    const when = from === to ? "has not ended when it begins" : `runs only after ${show(from)}`;
    report.warn(at, `Step ${show(to)} ${when}, so there is never anything to read`);
  }
}

/** With the one default of the language; all else stays as its author sent it. */
function toDefinition(value: JsonValue, hasTrigger: boolean): Definition {
  // Every field was read above, and the report is clean.
  const definition = value as JsonObject as unknown as Definition;
  return hasTrigger ? definition : { ...definition, trigger: { type: "api" } };
}
