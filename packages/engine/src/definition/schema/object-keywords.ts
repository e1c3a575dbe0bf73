import type { JsonValue } from "@millrace/protocol";
import { didYouMean } from "../did-you-mean.ts";
import { isObject, ownValue, show, type JsonObject } from "../json-shape.ts";
import type { Checking } from "./checking.ts";
import type { Pattern } from "./pattern.ts";
import { toCountReader } from "./scalar-keywords.ts";
import type { SchemaNode } from "./schema-node.ts";
import { compileMap, readNames, type KeywordReader, type Subschema } from "./subschema.ts";

const countFields = (value: JsonValue): number | undefined =>
  isObject(value) ? Object.keys(value).length : undefined;
const FIELDS = ["Object", "field"] as const;

export const readMinProperties: KeywordReader = toCountReader(FIELDS, "least", countFields);
export const readMaxProperties: KeywordReader = toCountReader(FIELDS, "most", countFields);

interface Field {
  readonly name: string;
  readonly node: SchemaNode;
  readonly isRequired: boolean;
}

/** What a schema says of the fields of an object. */
interface Shape {
  /** In the order of `properties`. */
  readonly fields: readonly Field[];
  readonly names: ReadonlySet<string>;
  /** Names in `required` that `properties` does not have. */
  readonly alsoRequired: readonly string[];
  readonly patterns: readonly { readonly pattern: Pattern; readonly node: SchemaNode }[];
  /** Of all other fields. null: anything. */
  readonly others: SchemaNode | "strip" | null;
}

/** In this order. */
const GROUP = ["properties", "required", "patternProperties", "additionalProperties"];

/** `properties`, `required`, `patternProperties` and `additionalProperties` together, at the first of them. */
export const readFields: KeywordReader = (schema, name) => {
  if (name !== GROUP.find((other) => schema.fields.has(other))) return undefined;
  const shape = readShape(schema);
  schema.node.propertyNames = shape.fields.map((field) => field.name);
  return (value, checking) => {
    if (!isObject(value)) return value;
    const known = checkKnown(shape, value, checking);
    if (shape.patterns.length === 0 && shape.others === null) return known;
    return checking.isOver ? known : checkOthers(shape, known, checking);
  };
};

function readShape(schema: Subschema): Shape {
  const properties = compileMap(schema, "properties");
  const required = new Set(readNames(schema, schema.fields.value("required"), "required"));
  const patterns = compileMap(schema, "patternProperties").flatMap(([source, node]) => {
    const pattern = schema.pattern(source, "patternProperties", source);
    return pattern === undefined ? [] : [{ pattern, node }];
  });
  const others = readOthers(schema);
  const fields = properties.map(([name, node]) => ({ name, node, isRequired: required.has(name) }));
  const names = new Set(fields.map((field) => field.name));
  const alsoRequired = Array.from(required).filter((name) => !names.has(name));
  if (fields.length > 0 && patterns.length === 0) warnOfTypos(schema, alsoRequired, names, others);
  return { fields, names, alsoRequired, patterns, others };
}

function readOthers(schema: Subschema): Shape["others"] {
  const value = schema.fields.value("additionalProperties");
  if (value === undefined || value === true) return null;
  return value === false ? "strip" : schema.compile(value, "additionalProperties");
}

function warnOfTypos(
  schema: Subschema,
  required: readonly string[],
  names: ReadonlySet<string>,
  others: Shape["others"],
): void {
  for (const name of required) {
    const hint = didYouMean(name, names)();
    if (hint === undefined && others !== "strip") continue;
    schema.warn(["required"], `Requires ${show(name)}, which \`properties\` does not have`, hint);
  }
}

function checkKnown(shape: Shape, value: JsonObject, checking: Checking): JsonObject {
  let copy: Record<string, JsonValue> | undefined;
  for (const { name, node, isRequired } of shape.fields) {
    const given = ownValue(value, name);
    let checked = given;
    if (given === undefined) {
      checked = fill(node, checking);
      if (checked === undefined && isRequired) checking.failAt(name, "Required");
    } else {
      checking.enter(name);
      checked = node.check(given, checking);
      checking.leave();
    }
    if (checking.isOver) return value;
    if (checked === given || checked === undefined) continue;
    copy ??= { ...value };
    setField(copy, name, checked);
  }
  for (const name of shape.alsoRequired) {
    if (!Object.hasOwn(value, name)) checking.failAt(name, "Required");
  }
  return copy ?? value;
}

function fill(node: SchemaNode, checking: Checking): JsonValue | undefined {
  if (checking.isStrict) return undefined;
  const filler = node.fillerFor(checking);
  if (filler !== undefined) checking.grow(filler.length);
  return filler?.value;
}

/** A plain assignment to `__proto__` would set the prototype. */
function setField(object: Record<string, JsonValue>, name: string, value: JsonValue): void {
  if (name !== "__proto__") {
    object[name] = value;
    return;
  }
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Fields that match a pattern, and those that nothing is known of. */
function checkOthers(shape: Shape, value: JsonObject, checking: Checking): JsonObject {
  const kept: [string, JsonValue][] = [];
  let isChanged = false;
  for (const [name, given] of Object.entries(value)) {
    const isStripped = shape.others === "strip" && !checking.isStrict;
    const nodes = findNodes(shape, name, checking);
    if (checking.isOver) return value;
    if (nodes === "unknown" && isStripped) {
      checking.strip(name);
      isChanged = true;
      continue;
    }
    if (nodes === "unknown") {
      checking.failAt(name, "Unknown field");
      continue;
    }
    let checked = given;
    checking.enter(name);
    for (const node of nodes) checked = node.check(checked, checking);
    checking.leave();
    if (checked !== given) isChanged = true;
    kept.push([name, checked]);
  }
  // Defines each field, so a key `__proto__` stays a key.
  return isChanged ? Object.fromEntries(kept) : value;
}

function findNodes(
  { names, patterns, others }: Shape,
  name: string,
  checking: Checking,
): readonly SchemaNode[] | "unknown" {
  const nodes: SchemaNode[] = [];
  for (const { pattern, node } of patterns) {
    checking.spend(name.length * pattern.workPerCharacter);
    if (checking.isOver) return nodes;
    if (pattern.test(name)) nodes.push(node);
  }
  if (nodes.length > 0 || names.has(name) || others === null) return nodes;
  return others === "strip" ? "unknown" : [others];
}

export const readPropertyNames: KeywordReader = (schema) => {
  const wanted = schema.fields.value("propertyNames");
  if (wanted === undefined) return undefined;
  const node = schema.compile(wanted, "propertyNames");
  return (value, checking) => {
    if (!isObject(value)) return value;
    for (const name of Object.keys(value)) {
      if (checking.isOver) break;
      if (checking.fits(node, name)) continue;
      checking.failAt(name, "Invalid field name", () => checking.explain(node, name));
    }
    return value;
  };
};

export const readDependentRequired: KeywordReader = (schema) => {
  const map = schema.fields.value("dependentRequired");
  if (schema.fields.object("dependentRequired") === undefined || !isObject(map)) return undefined;
  const rules = Object.entries(map).map(([name, needed]) => ({
    name,
    needed: readNames(schema, needed, "dependentRequired", name),
  }));
  return (value, checking) => {
    if (!isObject(value)) return value;
    for (const { name, needed } of rules) {
      if (!Object.hasOwn(value, name)) continue;
      for (const other of needed) {
        if (Object.hasOwn(value, other)) continue;
        checking.failAt(other, "Required", () => `since there is ${show(name)}`);
      }
    }
    return value;
  };
};

export const readDependentSchemas: KeywordReader = (schema) => {
  const rules = compileMap(schema, "dependentSchemas").map(
    ([name, node]) => [name, schema.passOn(node)] as const,
  );
  return (value, checking) => {
    let checked = value;
    for (const [name, node] of rules) {
      if (isObject(checked) && Object.hasOwn(checked, name))
        checked = node.check(checked, checking);
    }
    return checked;
  };
};
