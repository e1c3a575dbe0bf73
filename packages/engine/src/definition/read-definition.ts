import {
  MAX_DURATION_MS,
  TRIGGER_TYPES,
  type Definition,
  type JsonValue,
} from "@millrace/protocol";
import { arrange } from "./arrange.ts";
import { didYouMean } from "./did-you-mean.ts";
import { FieldReader } from "./field-reader.ts";
import { isObject, show } from "./json-shape.ts";
import { LATER_TRIGGERS } from "./later.ts";
import type { Plan } from "./plan.ts";
import { readIds, readSteps, readTemplate, type Reading } from "./read-steps.ts";
import type { Report } from "./report.ts";
import { readSchema } from "./schema/read-schemas.ts";
import type { StepKinds } from "./step-kind.ts";

/** @returns null if the report has errors; else the report may have warnings */
export function readDefinition(value: JsonValue, kinds: StepKinds, report: Report): Plan | null {
  const fields = FieldReader.open(value, [], report);
  if (fields === undefined) return null;
  fields.text("$schema");
  fields.require("name");
  fields.name("name");
  fields.text("description");
  fields.number("timeoutMs", { min: 1, max: MAX_DURATION_MS });
  readTriggers(fields);
  // Of no meaning to us; kept as they are.
  fields.object("metadata")?.takeOthers();
  fields.object("settings")?.takeOthers();
  const inputSchema = readSchema(fields, "inputSchema", report);
  const outputSchema = readSchema(fields, "outputSchema", report);
  const list = readList(fields);
  const ids = readIds(list, report);
  const reading: Reading = { kinds, report, ids, references: [] };
  const read = readSteps(list, reading);
  const given = fields.value("output");
  const output = given === undefined ? null : readTemplate(given, ["output"], null, reading);
  fields.refuseOthers();
  const arranged = list.length === 0 ? null : arrange(read, reading.references, report);
  if (arranged === null) return null;
  return {
    definition: toDefinition(value, fields.has("trigger") || fields.has("triggers")),
    ...arranged,
    positions: new Map(arranged.steps.map(({ id, position }) => [id, position])),
    output,
    inputSchema,
    outputSchema,
  };
}

/** `trigger`, or `triggers` with any number of them. */
function readTriggers(fields: FieldReader): void {
  const trigger = fields.object("trigger");
  if (trigger !== undefined) readTrigger(trigger);
  const triggers = fields.list("triggers");
  if (trigger !== undefined && triggers !== undefined) {
    fields.error("triggers", "Stands beside `trigger`", "put all of them into `triggers`");
  }
  for (const [i, one] of (triggers ?? []).entries()) {
    const element = fields.element("triggers", i, one);
    if (element !== undefined) readTrigger(element);
  }
}

function readTrigger(trigger: FieldReader): void {
  const known: readonly string[] = [...TRIGGER_TYPES, ...LATER_TRIGGERS];
  const hint = `one of ${[...new Set(known)].join(", ")}`;
  trigger.require("type", hint);
  const type = trigger.text("type");
  if (type === undefined) return;
  if (!known.includes(type)) {
    trigger.error(
      "type",
      `Unknown trigger type ${show(type)}`,
      () => didYouMean(type, known)() ?? hint,
    );
  } else if (LATER_TRIGGERS.has(type)) {
    trigger.warn("type", `Nothing fires a trigger of type ${show(type)} yet`, "start runs by API");
  }
  refuseSecrets(trigger);
}

/** Where secrets are kept encrypted is not built yet, and a definition is shown to whoever may read it. */
function refuseSecrets(trigger: FieldReader): void {
  const config = trigger.value("config");
  for (const [place, path] of [
    [trigger.value("secret"), "secret"],
    [isObject(config) ? config["secret"] : undefined, "config"],
  ] as const) {
    if (place === undefined) continue;
    trigger.error(
      path,
      "Has a secret, and this version does not keep secrets of triggers yet",
      "leave it out",
    );
  }
}

function readList(fields: FieldReader): readonly JsonValue[] {
  fields.require("steps");
  const list = fields.list("steps");
  if (list?.length === 0) fields.error("steps", "Must have at least one step");
  return list ?? [];
}

/** With the one default of the language; all else stays as its author sent it. */
function toDefinition(value: JsonValue, hasTrigger: boolean): Definition {
  // Every field was read above, and the report is clean.
  const definition = value as unknown as Definition;
  return hasTrigger ? definition : { ...definition, trigger: { type: "api" } };
}
