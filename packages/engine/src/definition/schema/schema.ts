import type { Issue, JsonValue } from "@millrace/protocol";
import { isObject, type JsonObject } from "../json-shape.ts";
import type { IssuePath } from "../report.ts";
import { Checking } from "./checking.ts";
import type { SchemaNode } from "./schema-node.ts";

export type SchemaResult =
  | {
      readonly ok: true;
      /** The value with defaults filled in and unknown fields left out; the value itself if nothing changed. */
      readonly value: JsonValue;
      /** The first 100 fields that were left out. */
      readonly stripped: readonly IssuePath[];
    }
  | {
      readonly ok: false;
      /** The first 100 mistakes: fields in the order of the schema. Paths begin at the value. */
      readonly issues: readonly Issue[];
    };

/** A user's JSON Schema, compiled; immutable, shared by all runs. */
export interface Schema {
  /** @param value a tree, at most `MAX_JSON_DEPTH` deep; never changed */
  check(value: JsonValue): SchemaResult;
  /** Names of the fields that the schema describes, also through `$ref`. */
  readonly propertyNames: readonly string[];
}

export const createSchema = (root: SchemaNode): Schema => ({
  check: (value) => {
    const checking = new Checking();
    const checked = root.check(value, checking);
    return checking.isClean
      ? { ok: true, value: checked, stripped: checking.stripped }
      : { ok: false, issues: checking.toIssues() };
  },
  propertyNames: collectNames(root),
});

function collectNames(root: SchemaNode): readonly string[] {
  const names = new Set<string>();
  for (let node: SchemaNode | null = root; node !== null; node = node.target) {
    for (const name of node.propertyNames) names.add(name);
  }
  return Array.from(names);
}

/**
 * What a run without an `output` mapping gives: the fields of the last step's output that the schema describes. An
 * output that is no object, and a schema that describes no fields, leave it as it is.
 */
export function pickOutput(schema: Schema, lastOutput: JsonValue): JsonValue {
  if (!isObject(lastOutput) || schema.propertyNames.length === 0) return lastOutput;
  const output: JsonObject = lastOutput;
  const names = schema.propertyNames.filter((name) => Object.hasOwn(output, name));
  // Defines each field, so a key `__proto__` stays a key.
  return Object.fromEntries(names.map((name) => [name, output[name] ?? null]));
}
