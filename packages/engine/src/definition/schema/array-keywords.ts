import type { JsonValue } from "@millrace/protocol";
import { describeValue, isList } from "../json-shape.ts";
import { toCanonicalText } from "./canonical.ts";
import type { Checking } from "./checking.ts";
import { toCountReader } from "./scalar-keywords.ts";
import type { Keyword, SchemaNode } from "./schema-node.ts";
import { ANY_COUNT, compileList, type KeywordReader, type Subschema } from "./subschema.ts";

const countElements = (value: JsonValue): number | undefined =>
  isList(value) ? value.length : undefined;
const LIST = ["Array", "element"] as const;

export const readMinItems: KeywordReader = toCountReader(LIST, "least", countElements);
export const readMaxItems: KeywordReader = toCountReader(LIST, "most", countElements);

/** `prefixItems` and `items` together, at the first of them. */
export const readElements: KeywordReader = (schema, name) => {
  if (name === "items" && schema.fields.has("prefixItems")) return undefined;
  const first = name === "prefixItems" ? compileList(schema, "prefixItems") : [];
  const rest = readItems(schema);
  return (value, checking) => {
    if (!isList(value)) return value;
    if (rest === false && value.length > first.length) {
      checking.fail(`Array must contain at most ${first.length} element(s)`);
    }
    return checkElements(value, first, rest === false ? null : rest, checking);
  };
};

/** @returns false: there may be no further elements; null: there may be any */
function readItems(schema: Subschema): SchemaNode | false | null {
  const items = schema.fields.value("items");
  if (items === undefined || items === true) return null;
  if (items === false) return false;
  if (!isList(items)) return schema.compile(items, "items");
  schema.error(["items"], "Expected a schema, received array", "use `prefixItems`");
  return null;
}

/** @returns the list itself, or a copy if an element changed */
function checkElements(
  list: readonly JsonValue[],
  first: readonly SchemaNode[],
  rest: SchemaNode | null,
  checking: Checking,
): readonly JsonValue[] {
  const end = rest === null ? Math.min(first.length, list.length) : list.length;
  let copy: JsonValue[] | undefined;
  for (let i = 0; i < end; i++) {
    const given = list[i] ?? null;
    const node = first[i] ?? rest;
    checking.enter(i);
    const checked = node === null ? given : node.check(given, checking);
    checking.leave();
    if (checking.isOver) break;
    if (checked === given) continue;
    copy ??= [...list];
    copy[i] = checked;
  }
  return copy ?? list;
}

/** With `minContains` and `maxContains`. */
export const readContains: KeywordReader = (schema) => {
  const wanted = schema.fields.value("contains");
  if (wanted === undefined) return undefined;
  const node = schema.compile(wanted, "contains");
  const least = schema.fields.number("minContains", ANY_COUNT) ?? 1;
  const most = schema.fields.number("maxContains", ANY_COUNT) ?? Infinity;
  return (value, checking) => {
    if (!isList(value)) return value;
    let count = 0;
    for (const item of value) {
      if (count > most) break;
      if (checking.fits(node, item)) count++;
    }
    if (count < least) checking.fail(`Array must contain at least ${least} matching element(s)`);
    if (count > most) checking.fail(`Array must contain at most ${most} matching element(s)`);
    return value;
  };
};

export const readUniqueItems: KeywordReader = (schema) => {
  const wanted = schema.fields.value("uniqueItems");
  if (typeof wanted !== "boolean") {
    schema.error(["uniqueItems"], `Expected boolean, received ${describeValue(wanted ?? null)}`);
    return undefined;
  }
  return wanted ? checkUnique : undefined;
};

const checkUnique: Keyword = (value, checking) => {
  if (!isList(value)) return value;
  const seen = new Map<JsonValue, number>();
  const seenNested = new Map<string, number>();
  for (const [i, item] of value.entries()) {
    const isNested = typeof item === "object" && item !== null;
    const key = isNested ? toCanonicalText(item) : item;
    checking.spend(isNested && typeof key === "string" ? key.length : 1);
    const earlier = isNested ? seenNested.get(String(key)) : seen.get(key);
    if (earlier !== undefined) {
      checking.fail("Array elements must be unique", () => `${earlier} and ${i} are equal`);
      return value;
    }
    if (isNested) seenNested.set(String(key), i);
    else seen.set(key, i);
  }
  return value;
};
