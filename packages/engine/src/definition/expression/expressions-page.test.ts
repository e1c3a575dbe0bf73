// docs/reference/expressions.md: every example is evaluated, and every operator and call has one.
import { readFileSync } from "node:fs";
import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { anExpression } from "../../testkit/an-expression.ts";
import { aScope } from "../../testkit/a-scope.ts";
import { TemplateError } from "../render.ts";
import { ROOTS } from "../scope.ts";
import { FUNCTIONS, METHODS } from "./calls.ts";
import { MAX_LENGTH, MAX_STEPS } from "./evaluation.ts";
import { OPERATORS } from "./operators.ts";
import { MAX_SOURCE_LENGTH } from "./parse-expression.ts";
import { MAX_NESTING, MAX_PARTS } from "./scan-source.ts";

const PAGE = readFileSync(
  new URL("../../../../../docs/reference/expressions.md", import.meta.url),
  "utf8",
);

interface PageScope {
  readonly input: JsonValue;
  readonly result: JsonValue;
  readonly steps: Readonly<Record<string, JsonValue>>;
  readonly event: JsonValue;
}

const blocksOf = (language: string): readonly string[] =>
  Array.from(PAGE.matchAll(/^```([\w-]+)\n([^]*?)^```/gm))
    .filter(([, found]) => found === language)
    .map(([, , text = ""]) => text);

/** The page's own, printed above the first example. */
function readScope(): PageScope {
  for (const block of blocksOf("json")) {
    const value = JSON.parse(block) as Partial<PageScope>;
    // A workflow has steps, too, but no input.
    if (value.input !== undefined) return value as PageScope;
  }
  throw new Error("the page has no scope");
}

const { input, result, steps, event } = readScope();
const SCOPE = aScope({
  input,
  result,
  outputs: steps,
  roots: { event },
  now: Date.parse("2026-01-01T12:00:00Z"),
});

const EXAMPLES = blocksOf("js-expression").flatMap((block) =>
  block
    .trim()
    .split("\n")
    .map((line): readonly [source: string, wanted: string] => {
      const [source = "", wanted] = line.split(" // => ");
      if (wanted === undefined) throw new Error(`no value in ${line}`);
      return [source.trim(), wanted];
    }),
);

/** As the page prints it. */
function outcomeOf(source: string): string {
  try {
    const value = anExpression(source).evaluate(SCOPE);
    return value === undefined ? "undefined" : JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return `error: ${error.message.replace(`The expression ${source}: `, "")}`;
  }
}

const printed = (wanted: string): string =>
  wanted === "undefined" || wanted.startsWith("error: ")
    ? wanted
    : JSON.stringify(JSON.parse(wanted));

describe("docs/reference/expressions.md", () => {
  test.each(EXAMPLES)("%s is %s", (source, wanted) => {
    expect(outcomeOf(source)).toBe(printed(wanted));
  });

  test("has an example of every operator and every call", () => {
    const sources = EXAMPLES.map(([source]) => source).join("\n");
    const operators = Object.keys(OPERATORS).filter((name) => name !== "!=" && name !== "!==");
    for (const name of [...operators, "&&", "||", "??", "?", "!", "-"]) {
      expect([name, sources.includes(name)]).toEqual([name, true]);
    }
    for (const name of [
      "endsWith",
      "toLowerCase",
      "includes",
      "every",
      "Number",
      "String",
      "now",
    ]) {
      expect([name, sources.includes(`${name}(`)]).toEqual([name, true]);
    }
  });

  test("names every operator, call, root and limit", () => {
    const names = [
      ...[...Object.keys(OPERATORS), ...ROOTS, "steps", "now"].map((name) => `\`${name}\``),
      ...Object.keys(METHODS).map((name) => `.${name}(`),
      ...Object.keys(FUNCTIONS).map((name) => `\`${name}(`),
      ...[MAX_SOURCE_LENGTH, MAX_PARTS, MAX_NESTING, MAX_STEPS, MAX_LENGTH].map((limit) =>
        limit.toLocaleString("en"),
      ),
    ];
    expect(names.filter((name) => !PAGE.includes(name))).toEqual([]);
  });
});
