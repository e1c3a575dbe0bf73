import type { JsonValue } from "@millrace/protocol";
import type { FieldReader, NumberRange } from "../field-reader.ts";
import { describeValue, isList, isObject, type JsonObject } from "../json-shape.ts";
import type { Hint, IssuePath } from "../report.ts";
import type { Pattern } from "./pattern.ts";
import type { Keyword, SchemaNode } from "./schema-node.ts";
import type { TypeSet } from "./value-type.ts";

/** One schema object as its keywords read it. Mistakes are reported, and read as if nothing were there. */
export interface Subschema {
  readonly fields: FieldReader;
  readonly node: SchemaNode;
  /** Compiles a schema that stands below this one, at the names. */
  compile(value: JsonValue, ...names: Place): SchemaNode;
  /** Compiles a pattern that stands at the names. */
  pattern(source: string, ...names: Place): Pattern | undefined;
  /** What `$ref` leads to; known after all schemas are read. */
  refer(reference: string): () => SchemaNode | null;
  /** Notes that the value goes to `to` as it is: such a way must not lead back. */
  passOn(to: SchemaNode): SchemaNode;
  error(at: Place, message: string, hint?: Hint): void;
  warn(at: Place, message: string, hint?: Hint): void;
}

/** Names from a schema object down; the first is a keyword. */
export type Place = readonly [keyword: string, ...rest: IssuePath];

/** @returns undefined if there is nothing to do, or a mistake left nothing */
export type KeywordReader = (schema: Subschema, name: string) => Keyword | undefined;

export interface KeywordKind {
  readonly read: KeywordReader;
  /** Types of values that it is about; absent: all. */
  readonly about?: TypeSet;
  /**
   * When it has its turn: 0 before fields and elements are looked at, 1 with them, 2 after, when defaults are
   * filled in. Within a turn the order is that of the schema.
   */
  readonly turn: 0 | 1 | 2;
}

export const ANY_NUMBER: NumberRange = { min: -Number.MAX_VALUE, max: Number.MAX_VALUE };
/** Of lengths and counts. */
export const ANY_COUNT: NumberRange = { min: 0, max: Number.MAX_SAFE_INTEGER, isInteger: true };

/** An object whose values are schemas, in order. */
export function compileMap(
  schema: Subschema,
  name: string,
): readonly (readonly [key: string, node: SchemaNode])[] {
  if (schema.fields.object(name) === undefined) return [];
  const map = schema.fields.value(name);
  return Object.entries(isObject(map) ? map : NOTHING).map(([key, value]) => [
    key,
    schema.compile(value, name, key),
  ]);
}

const NOTHING: JsonObject = {};

/** A list of one or more schemas. */
export function compileList(schema: Subschema, name: string): readonly SchemaNode[] {
  const list = schema.fields.list(name);
  if (list?.length === 0) schema.error([name], "Must have at least one schema");
  return (list ?? []).map((value, i) => schema.compile(value, name, i));
}

/** A list of names; what is none is reported. */
export function readNames(
  schema: Subschema,
  value: JsonValue | undefined,
  ...at: Place
): readonly string[] {
  if (value === undefined) return [];
  if (!isList(value)) {
    const hint = value === true ? "list the names in `required` of the object" : undefined;
    schema.error(at, `Expected array, received ${describeValue(value)}`, hint);
    return [];
  }
  return value.flatMap((name, i) => {
    if (typeof name === "string") return [name];
    schema.error([...at, i], `Expected string, received ${describeValue(name)}`);
    return [];
  });
}
