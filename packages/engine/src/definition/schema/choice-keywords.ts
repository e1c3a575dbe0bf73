// Keywords that hand the whole value to other schemas.
import type { JsonValue } from "@millrace/protocol";
import { typeName } from "@millrace/protocol";
import { isObject } from "../json-shape.ts";
import type { Attempt, Checking } from "./checking.ts";
import type { SchemaNode } from "./schema-node.ts";
import { compileList, type KeywordReader, type Subschema } from "./subschema.ts";
import { NO_TYPE, toTypeNames, typesOf } from "./value-type.ts";

const compileMembers = (schema: Subschema, name: string): readonly SchemaNode[] =>
  compileList(schema, name).map((node) => schema.passOn(node));

export const readReference: KeywordReader = (schema) => {
  const reference = schema.fields.text("$ref");
  if (reference === undefined) return undefined;
  const findTarget = schema.refer(reference);
  return (value, checking) => findTarget()?.check(value, checking) ?? value;
};

export const readAllOf: KeywordReader = (schema) => {
  const nodes = compileMembers(schema, "allOf");
  for (const [i, member] of (schema.fields.list("allOf") ?? []).entries()) {
    if (!isObject(member) || member["additionalProperties"] !== false) continue;
    schema.warn(
      ["allOf", i, "additionalProperties"],
      "Leaves out the fields that only the other schemas know",
      "describe all fields in one schema",
    );
  }
  return (value, checking) => {
    let checked = value;
    for (const node of nodes) checked = node.check(checked, checking);
    return checked;
  };
};

/** The first alternative that fits fills in its defaults; one that leaves nothing out is preferred. */
export const readAnyOf: KeywordReader = (schema) => {
  const nodes = compileMembers(schema, "anyOf");
  return (value, checking) => {
    let found: Attempt | undefined;
    for (const node of nodes) {
      const attempt = checking.attempt(node, value);
      if (!attempt.fits) continue;
      found ??= attempt;
      if (attempt.strippedCount > 0) continue;
      found = attempt;
      break;
    }
    if (found !== undefined) return checking.choose(found);
    refuseAll(nodes, value, checking);
    return value;
  };
};

/** Exactly one must fit. Where one leaves nothing out, those that do do not count. */
export const readOneOf: KeywordReader = (schema) => {
  const nodes = compileMembers(schema, "oneOf");
  return (value, checking) => {
    const fitting: (Attempt & { readonly number: number })[] = [];
    for (const [i, node] of nodes.entries()) {
      const attempt = checking.attempt(node, value);
      if (attempt.fits) fitting.push({ ...attempt, number: i + 1 });
    }
    const whole = fitting.filter((attempt) => attempt.strippedCount === 0);
    const chosen = whole.length > 0 ? whole : fitting;
    const [first] = chosen;
    if (first === undefined) {
      refuseAll(nodes, value, checking);
      return value;
    }
    if (chosen.length === 1) return checking.choose(first);
    const numbers = chosen.map((attempt) => attempt.number).join(", ");
    checking.fail("Invalid input", () => `fits several alternatives (${numbers}); one is allowed`);
    return value;
  };
};

const MOST_EXPLAINED = 5;

/** Says what is wrong with the one alternative that the value was meant for, if its type tells which. */
function refuseAll(nodes: readonly SchemaNode[], value: JsonValue, checking: Checking): void {
  if (checking.isQuiet || checking.isOver) return checking.fail("Invalid input");
  const types = typesOf(value);
  const meant = nodes.filter((node) => (node.possibleTypes & types) !== 0);
  const [first] = meant;
  if (first === undefined) {
    const wanted = toTypeNames(nodes.reduce((all, node) => all | node.possibleTypes, NO_TYPE));
    checking.fail(
      wanted.length === 0
        ? "Not allowed"
        : `Expected ${wanted.join(" or ")}, received ${typeName(value)}`,
    );
  } else if (meant.length === 1) {
    first.check(value, checking);
  } else {
    checking.fail("Invalid input", () => {
      const told = meant.slice(0, MOST_EXPLAINED).map((node) => checking.explain(node, value));
      const more = meant.length > MOST_EXPLAINED ? "; …" : "";
      return `fits no alternative (${told.join("; ")}${more})`;
    });
  }
}

export const readNot: KeywordReader = (schema) => {
  const value = schema.fields.value("not");
  if (value === undefined) return undefined;
  const node = schema.passOn(schema.compile(value, "not"));
  return (value, checking) => {
    if (checking.fits(node, value)) checking.fail("Invalid input", () => "is what `not` excludes");
    return value;
  };
};

/** With `then` and `else`. */
export const readIf: KeywordReader = (schema) => {
  const [test, whenTrue, whenFalse] = (["if", "then", "else"] as const).map((name) => {
    const value = schema.fields.value(name);
    return value === undefined ? undefined : schema.passOn(schema.compile(value, name));
  });
  return (value, checking) => {
    if (test === undefined) return value;
    const next = checking.fits(test, value) ? whenTrue : whenFalse;
    return next?.check(value, checking) ?? value;
  };
};
