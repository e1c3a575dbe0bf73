// Bodies made from a schema: one that fits, and that one with each field in turn gone or of every other kind.
import type { JsonValue } from "@millrace/protocol";
import type { JsonSchema } from "../../packages/millrace/src/route.ts";
import type { RouteJudge } from "./route-judge.ts";

type JsonObject = { readonly [key: string]: JsonValue };

export interface ChangedBody {
  /** Of the field that was changed. */
  readonly path: readonly string[];
  readonly body: JsonValue;
  /** Does it fit the schema still? */
  readonly fits: boolean;
}

/** Every kind of value, and some at the edges. */
const VALUES: readonly JsonValue[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1,
  2 ** 53,
  "",
  "text",
  "x".repeat(256),
  "a\u0000b",
  "a\nb",
  [],
  [null],
  ["text"],
  {},
  { text: 1 },
  { text: "text" },
];

/** Its example, or the least that it asks for. */
export function toExample(judge: RouteJudge, schema: JsonSchema): JsonValue {
  const { examples, type, required, minItems, items, ...rest } = judge.resolve(schema);
  if (Array.isArray(examples)) return examples[0] as JsonValue;
  if (rest["const"] !== undefined) return rest["const"];
  if (Array.isArray(rest["enum"])) return rest["enum"][0] as JsonValue;
  if (Array.isArray(rest["anyOf"])) return toExample(judge, rest["anyOf"][0] as JsonSchema);
  if (type === "array") return minItems === 1 ? [toExample(judge, items as JsonSchema)] : [];
  if (type === "integer" || type === "number") return 1;
  if (type === "boolean") return true;
  if (type === "string")
    return rest["format"] === "date-time" ? "2099-01-01T00:00:00.000Z" : "text";
  const properties = (rest["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.fromEntries(
    ((required ?? []) as readonly string[]).map((name) => [
      name,
      toExample(judge, properties[name] ?? {}),
    ]),
  );
}

export function changeBodies(judge: RouteJudge, schema: JsonSchema): readonly ChangedBody[] {
  const example = toExample(judge, schema);
  if (!isObject(example)) throw new Error("a body is an object");
  const paths = listPaths(judge, schema, example);
  const changed = paths.flatMap((path) => [
    ...VALUES.map((value) => ({ path, body: withValue(example, path, value) })),
    { path, body: withValue(example, path, undefined) },
  ]);
  const unknown = { path: ["nonsense"], body: { ...example, nonsense: 1 } };
  return [...changed, unknown].map(({ path, body }) => ({
    path,
    body,
    fits: judge.mistakesOf(body, schema).length === 0,
  }));
}

/** All fields, and those of objects that the example has. */
function listPaths(
  judge: RouteJudge,
  schema: JsonSchema,
  example: JsonObject,
): readonly (readonly string[])[] {
  const whole = judge.resolve(schema);
  const parts = [whole, ...((whole["allOf"] ?? []) as readonly JsonSchema[])];
  return parts.flatMap((part) =>
    Object.entries((judge.resolve(part)["properties"] ?? {}) as JsonObject).flatMap(
      ([name, property]) => {
        const inner = example[name];
        const below = isObject(inner) ? listPaths(judge, property as JsonSchema, inner) : [];
        return [[name], ...below.map((path) => [name, ...path])];
      },
    ),
  );
}

function withValue(
  object: JsonObject,
  [name = "", ...rest]: readonly string[],
  value: JsonValue | undefined,
): JsonObject {
  const { [name]: before, ...others } = object;
  if (rest.length === 0) return value === undefined ? others : { ...others, [name]: value };
  return { ...others, [name]: withValue(isObject(before) ? before : {}, rest, value) };
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
