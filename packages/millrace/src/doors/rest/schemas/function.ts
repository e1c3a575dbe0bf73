import type { JsonSchema, ParameterSchemas } from "../../../route.ts";
import {
  ANY_OBJECT,
  anyJson,
  constant,
  described,
  FLAG,
  INSTANT,
  mapOf,
  NAME,
  shown,
  TEXT,
  titled,
} from "./json-schema.ts";

export const FUNCTION_PARAMS: ParameterSchemas = { name: described("Name of the function.", TEXT) };

const TARGET_PROPERTIES = {
  kind: constant("http"),
  url: {
    description: "Absolute, without user name and password.",
    type: "string",
    pattern: "^[Hh][Tt][Tt][Pp][Ss]?:",
    maxLength: 2_048,
  },
  method: { type: "string", enum: ["POST", "PUT", "PATCH"], default: "POST" },
  headers: described("Every value is shown as `***`.", { ...mapOf(TEXT), maxProperties: 50 }),
  timeoutMs: { description: "Of one call.", type: "integer", minimum: 1, maximum: 86_400_000 },
} as const;

const TARGET: JsonSchema = titled("FunctionTarget", {
  type: "object",
  properties: TARGET_PROPERTIES,
  required: ["kind", "url"],
  additionalProperties: false,
});

const DEFINITION_FIELDS = {
  name: NAME,
  description: { type: "string", maxLength: 1_000 },
  target: TARGET,
  input: described("JSON Schema, for readers; it is not checked.", ANY_OBJECT),
  output: described("JSON Schema, for readers; it is not checked.", ANY_OBJECT),
};

export const FUNCTION: JsonSchema = titled(
  "Function",
  shown({ ...DEFINITION_FIELDS, createdAt: INSTANT, updatedAt: INSTANT }, [
    "description",
    "input",
    "output",
  ]),
);

const functionToStore = (title: string, ...required: readonly string[]): JsonSchema =>
  titled(title, {
    type: "object",
    properties: {
      ...DEFINITION_FIELDS,
      createdAt: anyJson("Not looked at."),
      updatedAt: anyJson("Not looked at."),
    },
    required,
    additionalProperties: false,
    examples: [
      {
        ...(required.includes("name") ? { name: "charge-card" } : {}),
        target: { kind: "http", url: "https://example.com/charge" },
      },
    ],
  });

export const FUNCTION_TO_CREATE: JsonSchema = functionToStore("FunctionToCreate", "name", "target");

/** The path says the name. */
export const FUNCTION_TO_PUT: JsonSchema = functionToStore("FunctionToPut", "target");

export const FUNCTION_DELETED: JsonSchema = titled(
  "FunctionDeleted",
  shown({ name: TEXT, deleted: FLAG }),
);
