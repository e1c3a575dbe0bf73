// Builders, so that a schema reads like what it describes.
import type { JsonValue } from "@millrace/protocol";
import type { JsonSchema } from "../../../route.ts";

type Properties = Readonly<Record<string, JsonSchema>>;

/** As we show it: every property is there, except those in `optional`; later versions may add some. */
export function shown(properties: Properties, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required };
}

/** As we take it: other properties are refused. */
export function taken(properties: Properties, required: readonly string[] = []): JsonSchema {
  const base = { type: "object", properties, additionalProperties: false } as const;
  return required.length === 0 ? base : { ...base, required };
}

/** Gives it a name in the document. */
export const titled = (title: string, schema: JsonSchema): JsonSchema => ({ title, ...schema });

export const described = (description: string, schema: JsonSchema): JsonSchema => ({
  ...schema,
  description,
});

export const listOf = (items: JsonSchema): JsonSchema => ({ type: "array", items });

export const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: "null" }] });

export const oneOf = (...values: readonly string[]): JsonSchema => ({
  type: "string",
  enum: values,
});

export const mapOf = (values: JsonSchema): JsonSchema => ({
  type: "object",
  additionalProperties: values,
});

export const anyJson = (description: string): JsonSchema => ({ description });

export const TEXT: JsonSchema = { type: "string" };
export const FLAG: JsonSchema = { type: "boolean" };
export const COUNT: JsonSchema = { type: "integer", minimum: 0 };
/** 1, 2, 3, … */
export const ORDINAL: JsonSchema = { type: "integer", minimum: 1 };
export const INSTANT: JsonSchema = { type: "string", format: "date-time" };
/** What `checkName` of the protocol accepts, but for lone surrogates. */
export const NAME: JsonSchema = {
  type: "string",
  minLength: 1,
  maxLength: 255,
  pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
};
export const ANY_OBJECT: JsonSchema = { type: "object" };
export const NO_FIELDS: JsonSchema = taken({});

export const constant = (value: JsonValue): JsonSchema => ({ const: value });
