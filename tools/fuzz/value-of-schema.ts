// Values that mostly fit a schema. What it cannot say in a random draw (patterns, `if`) it leaves to chance.
import type { JsonValue } from "@millrace/protocol";
import type { Random } from "../../packages/engine/src/simulation/random.ts";
import type { JsonSchema } from "../../packages/millrace/src/route.ts";

type Words = readonly [string, ...string[]];
type Resolve = (schema: JsonSchema) => JsonSchema;

const DEEPEST = 6;
const SOME_VALUES = [null, true, 0, 1, "a", [], {}] as const satisfies readonly JsonValue[];

export function createValue(
  random: Random,
  schema: JsonSchema,
  resolve: Resolve,
  words: Words,
  depth = 0,
): JsonValue {
  const whole = resolve(schema);
  const inner = (it: JsonValue | undefined): JsonValue =>
    createValue(random, toSchema(it), resolve, words, depth + 1);
  const { const: only, type } = whole;
  const choices = [whole["enum"], whole["anyOf"] ?? whole["oneOf"]].map(toList);
  if (only !== undefined) return only;
  const [values = [], schemas = []] = choices;
  if (values.length > 0) return values[random.next() % values.length] ?? null;
  if (schemas.length > 0) return inner(schemas[random.next() % schemas.length]);
  if (depth > DEEPEST) return null;
  const kinds = typeof type === "string" ? [type] : toList(type);
  const kind = kinds[random.next() % Math.max(1, kinds.length)];
  if (kind === "object" || whole["properties"] !== undefined || whole["allOf"] !== undefined) {
    return createObject(random, whole, resolve, inner);
  }
  if (kind === "array") {
    return Array.from({ length: random.between(0, 3) }, () => inner(whole["items"]));
  }
  return createScalar(random, kind, whole, words);
}

function createObject(
  random: Random,
  schema: JsonSchema,
  resolve: Resolve,
  inner: (schema: JsonValue | undefined) => JsonValue,
): JsonValue {
  const parts = [schema, ...toList(schema["allOf"]).map((it) => resolve(toSchema(it)))];
  const entries = parts.flatMap((part) => {
    const required = toList(part["required"]);
    return Object.entries(toSchema(part["properties"]))
      .filter(([name]) => required.includes(name) || random.chance(0.3))
      .map(([name, it]): [string, JsonValue] => [name, inner(it)]);
  });
  const others = schema["additionalProperties"];
  if (typeof others === "object" && random.chance(0.5)) entries.push(["other", inner(others)]);
  return Object.fromEntries(entries);
}

function createScalar(
  random: Random,
  kind: JsonValue | undefined,
  schema: JsonSchema,
  words: Words,
): JsonValue {
  switch (kind) {
    case "integer":
    case "number": {
      const least = toNumber(schema["minimum"], -2);
      return random.between(least, Math.min(toNumber(schema["maximum"], least + 100), least + 1e6));
    }
    case "boolean":
      return random.chance(0.5);
    case "null":
      return null;
    case "string":
      return schema["format"] === "date-time" ? "2099-01-01T00:00:00.000Z" : random.pick(words);
    default:
      return random.pick(SOME_VALUES);
  }
}

const toList = (value: JsonValue | undefined): readonly JsonValue[] =>
  Array.isArray(value) ? (value as readonly JsonValue[]) : [];

/** `true`, and what is no schema, allow everything. */
function toSchema(value: JsonValue | undefined): JsonSchema {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  // `isArray` does not narrow read-only arrays away.
  return value as JsonSchema;
}

const toNumber = (value: JsonValue | undefined, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;
