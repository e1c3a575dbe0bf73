// What a schema says, in words that belong to no format: the page for browsers and the reference page print them.
import type { JsonValue } from "@millrace/protocol";
import type { JsonSchema } from "../../route.ts";

/** Text, something to print as code, or the name of another schema. */
export type Word =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "schema"; readonly text: string };

export interface Field {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

const REFERENCE = "#/components/schemas/";

/** The name in a reference to a component; null: the schema is none. */
export function referenceOf({ $ref }: JsonSchema): string | null {
  if (typeof $ref !== "string") return null;
  return $ref.startsWith(REFERENCE) ? $ref.slice(REFERENCE.length) : $ref;
}

/** Of an object, in the schema's order; empty for anything else. */
export function fieldsOf(schema: JsonSchema): readonly Field[] {
  const required = toList(schema["required"]);
  return Object.entries(toSchema(schema["properties"]) ?? {}).map(([name, it]) => ({
    name,
    schema: toSchema(it) ?? {},
    isRequired: required.includes(name),
  }));
}

/** All of these hold. */
export const partsOf = (schema: JsonSchema): readonly JsonSchema[] =>
  toList(schema["allOf"]).map((part) => toSchema(part) ?? {});

/** What stands inside a field and has no name of its own. */
export interface Inside {
  readonly schema: JsonSchema;
  /** How the way to its fields goes on from the field's name. */
  readonly way: "." | "[].";
}

/** An object, the one object among several choices, or the objects of a list. null: it has no fields inside. */
export function insideOf(schema: JsonSchema): Inside | null {
  const items = toSchema(schema["items"]);
  if (hasFields(items)) return { schema: items, way: "[]." };
  const choices = [schema, ...toList(schema["anyOf"]).map(toSchema)].filter(hasFields);
  const [only] = choices;
  return only === undefined || choices.length > 1 ? null : { schema: only, way: "." };
}

const hasFields = (schema: JsonSchema | undefined): schema is JsonSchema =>
  schema !== undefined && fieldsOf(schema).length > 0;

export const descriptionOf = ({ description }: JsonSchema): string =>
  typeof description === "string" ? description : "";

/** `string, up to 255 characters`, `list of Run`, `"a" or "b"`. */
export function typeOf(schema: JsonSchema): readonly Word[] {
  const { type, items, anyOf, const: only } = schema;
  const reference = referenceOf(schema);
  if (reference !== null) return [{ kind: "schema", text: reference }];
  if (only !== undefined) return [code(only)];
  if (Array.isArray(schema["enum"])) return choicesOf(toList(schema["enum"]), schema);
  if (anyOf !== undefined) return join(toList(anyOf).map((it) => typeOf(toSchema(it) ?? {})));
  if (items !== undefined) return [text("list of "), ...typeOf(toSchema(items) ?? {})];
  const types = typeof type === "string" ? [type] : toList(type).map(String);
  const values = toSchema(schema["additionalProperties"]);
  const limits = limitsOf(schema);
  if (values !== undefined) return [text("object of "), ...typeOf(values), ...limits];
  return [text(types.length === 0 ? "any JSON" : types.join(" or ")), ...limits];
}

/** More are counted, and not all are named. */
const MOST_NAMED = 20;

function choicesOf(values: readonly JsonValue[], schema: JsonSchema): readonly Word[] {
  const [first = null] = values;
  if (values.length > MOST_NAMED) return [text(`one of ${values.length}, such as `), code(first)];
  return [...join(values.map((it) => [code(it)])), ...limitsOf(schema)];
}

/** Of names; nobody should have to read it. */
const NO_CONTROLS = String.raw`^[^\u0000-\u001f\u007f-\u009f]*$`;

function limitsOf(schema: JsonSchema): readonly Word[] {
  const { pattern, format, default: usual } = schema;
  const words: Word[] = [
    ...rangeOf(schema["minimum"], schema["maximum"], ""),
    ...(schema["minLength"] === 1 && schema["maxLength"] === undefined
      ? [text(", not empty")]
      : rangeOf(schema["minLength"], schema["maxLength"], " characters")),
    ...rangeOf(undefined, schema["maxProperties"], " fields"),
  ];
  if (pattern === NO_CONTROLS) words.push(text(", without control characters"));
  else if (typeof pattern === "string")
    words.push(text(", like "), { kind: "code", text: pattern });
  if (typeof format === "string") words.push(text(`, ${format}`));
  if (usual !== undefined) words.push(text(", default "), code(usual));
  return words;
}

/** `, 1 to 255 characters` */
function rangeOf(
  least: JsonValue | undefined,
  most: JsonValue | undefined,
  unit: string,
): readonly Word[] {
  if (typeof least === "number" && typeof most === "number") {
    return [text(`, ${least} to ${most}${unit}`)];
  }
  if (typeof least === "number") return [text(`, from ${least}${unit}`)];
  return typeof most === "number" ? [text(`, up to ${most}${unit}`)] : [];
}

const text = (it: string): Word => ({ kind: "text", text: it });
const code = (it: JsonValue): Word => ({ kind: "code", text: JSON.stringify(it) });

const join = (choices: readonly (readonly Word[])[]): readonly Word[] =>
  choices.flatMap((words, at) => (at === 0 ? words : [text(" or "), ...words]));

function toSchema(value: JsonValue | undefined): JsonSchema | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  // `isArray` does not narrow read-only arrays away.
  return value as JsonSchema;
}

/** `isArray` makes a readonly list `any[]`. */
const toList = (value: JsonValue | undefined): readonly JsonValue[] =>
  Array.isArray(value) ? (value as readonly JsonValue[]) : [];
