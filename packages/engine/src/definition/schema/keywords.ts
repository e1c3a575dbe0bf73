// All keywords that schemas may have, and what becomes of each.
import {
  readContains,
  readElements,
  readMaxItems,
  readMinItems,
  readUniqueItems,
} from "./array-keywords.ts";
import {
  readAllOf,
  readAnyOf,
  readIf,
  readNot,
  readOneOf,
  readReference,
} from "./choice-keywords.ts";
import {
  readDependentRequired,
  readDependentSchemas,
  readFields,
  readMaxProperties,
  readMinProperties,
  readPropertyNames,
} from "./object-keywords.ts";
import {
  readConst,
  readEnum,
  readExclusiveMaximum,
  readExclusiveMinimum,
  readFormat,
  readMaximum,
  readMaxLength,
  readMinimum,
  readMinLength,
  readMultipleOf,
  readPattern,
  readType,
} from "./scalar-keywords.ts";
import { compileMap, type KeywordKind, type KeywordReader } from "./subschema.ts";
import { toTypeSet } from "./value-type.ts";

const NUMBERS = toTypeSet(["number"]);
const TEXTS = toTypeSet(["string"]);
const LISTS = toTypeSet(["array"]);
const OBJECTS = toTypeSet(["object"]);

/** Compiled for its mistakes, and found by `$ref`. */
const readDefinitions: KeywordReader = (schema, name) => {
  compileMap(schema, name);
  return undefined;
};

/** Read together with another keyword of its group. */
const readWith =
  (partner: string): KeywordReader =>
  (schema, name) => {
    if (!schema.fields.has(partner)) schema.warn([name], `Has no effect without \`${partner}\``);
    return undefined;
  };

export const KEYWORDS: ReadonlyMap<string, KeywordKind> = new Map<string, KeywordKind>([
  ["$defs", { read: readDefinitions, turn: 0 }],
  ["definitions", { read: readDefinitions, turn: 0 }],
  ["type", { read: readType, turn: 0 }],
  ["enum", { read: readEnum, turn: 0 }],
  ["const", { read: readConst, turn: 0 }],
  ["minimum", { read: readMinimum, about: NUMBERS, turn: 0 }],
  ["maximum", { read: readMaximum, about: NUMBERS, turn: 0 }],
  ["exclusiveMinimum", { read: readExclusiveMinimum, about: NUMBERS, turn: 0 }],
  ["exclusiveMaximum", { read: readExclusiveMaximum, about: NUMBERS, turn: 0 }],
  ["multipleOf", { read: readMultipleOf, about: NUMBERS, turn: 0 }],
  ["minLength", { read: readMinLength, about: TEXTS, turn: 0 }],
  ["maxLength", { read: readMaxLength, about: TEXTS, turn: 0 }],
  ["pattern", { read: readPattern, about: TEXTS, turn: 0 }],
  ["format", { read: readFormat, about: TEXTS, turn: 0 }],
  ["minItems", { read: readMinItems, about: LISTS, turn: 0 }],
  ["maxItems", { read: readMaxItems, about: LISTS, turn: 0 }],
  ["prefixItems", { read: readElements, about: LISTS, turn: 1 }],
  ["items", { read: readElements, about: LISTS, turn: 1 }],
  ["properties", { read: readFields, about: OBJECTS, turn: 1 }],
  ["required", { read: readFields, about: OBJECTS, turn: 1 }],
  ["patternProperties", { read: readFields, about: OBJECTS, turn: 1 }],
  ["additionalProperties", { read: readFields, about: OBJECTS, turn: 1 }],
  ["contains", { read: readContains, about: LISTS, turn: 2 }],
  ["minContains", { read: readWith("contains"), about: LISTS, turn: 2 }],
  ["maxContains", { read: readWith("contains"), about: LISTS, turn: 2 }],
  ["uniqueItems", { read: readUniqueItems, about: LISTS, turn: 2 }],
  ["minProperties", { read: readMinProperties, about: OBJECTS, turn: 2 }],
  ["maxProperties", { read: readMaxProperties, about: OBJECTS, turn: 2 }],
  ["propertyNames", { read: readPropertyNames, about: OBJECTS, turn: 2 }],
  ["dependentRequired", { read: readDependentRequired, about: OBJECTS, turn: 2 }],
  ["dependentSchemas", { read: readDependentSchemas, about: OBJECTS, turn: 2 }],
  ["$ref", { read: readReference, turn: 2 }],
  ["allOf", { read: readAllOf, turn: 2 }],
  ["anyOf", { read: readAnyOf, turn: 2 }],
  ["oneOf", { read: readOneOf, turn: 2 }],
  ["not", { read: readNot, turn: 2 }],
  ["if", { read: readIf, turn: 2 }],
  ["then", { read: readWith("if"), turn: 2 }],
  ["else", { read: readWith("if"), turn: 2 }],
]);

/** Notes to readers. `default` is one too, but for the fields of objects. */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  "$anchor",
  "$comment",
  "$id",
  "$schema",
  "$vocabulary",
  "contentEncoding",
  "contentMediaType",
  "contentSchema",
  "default",
  "deprecated",
  "description",
  "example",
  "examples",
  "readOnly",
  "title",
  "writeOnly",
]);

/** Keywords of JSON Schema that would promise a check which is not made, with what to write in their place. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ["$dynamicAnchor", "use `$ref` to `#/$defs/…`"],
  ["$dynamicRef", "use `$ref` to `#/$defs/…`"],
  ["$recursiveAnchor", "use `$ref` to `#`"],
  ["$recursiveRef", "use `$ref` to `#`"],
  ["additionalItems", "use `prefixItems`, and `items` for the rest"],
  ["dependencies", "use `dependentRequired` or `dependentSchemas`"],
  ["unevaluatedItems", "use `prefixItems`, and `items` for the rest"],
  ["unevaluatedProperties", "use `additionalProperties`"],
]);

/** Words of other languages. */
export const FOREIGN: ReadonlyMap<string, string> = new Map([
  ["nullable", 'use `type`, such as ["string", "null"]'],
  ["optional", "a field is optional unless `required` of the object lists it"],
]);
