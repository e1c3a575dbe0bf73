import type { JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTemplate, type TemplateNode } from "./template.ts";

interface Heard {
  readonly node: TemplateNode;
  readonly problems: readonly string[];
  readonly references: readonly string[];
}

function parse(value: JsonValue): Heard {
  const problems: string[] = [];
  const references: string[] = [];
  const node = parseTemplate(value, ["config", "x"], {
    problem: (at, message) => problems.push(`${at.join(".")}: ${message}`),
    reference: (at, step) => references.push(`${at.join(".")}: ${step}`),
  });
  return { node, problems, references };
}

describe("parseTemplate", () => {
  test.each<[string, JsonValue, string]>([
    ["a path that is not closed", "a {{input.x", "config.x: The template {{input.x is not closed"],
    ["a filter", "{{input.x | sum}}", "config.x: The template {{input.x | sum}} has a filter"],
    ["a third brace", "{{{input.x}}}", "config.x: The template {{{input.x}} cannot be read"],
    ["nothing between the braces", "{{ }}", "config.x: The template {{ }} is empty"],
    ["an unknown root", ["{{a}}"], "config.x.0: The template {{a}} begins with the unknown name"],
    ["a mistake deep inside", { a: { b: ["{{"] } }, "config.x.a.b.0: The template {{ is not"],
  ])("reports %s with its place", (_, value, problem) => {
    const { problems } = parse(value);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test("reports every mistake of a text, and names its steps", () => {
    const { problems, references } = parse("{{a}} {{steps.one.output}} {{b}} {{steps.two.status}}");
    expect(problems).toHaveLength(2);
    expect(references).toEqual(["config.x: one", "config.x: two"]);
  });

  test("tells siblings apart, however deep the ones before them are", () => {
    const { problems } = parse([{ a: ["x"] }, "{{", { b: "{{" }]);
    expect(problems.map((problem) => problem.split(":")[0])).toEqual([
      "config.x.1",
      "config.x.2.b",
    ]);
  });

  test("folds what holds no path into one literal", () => {
    expect(parse({ a: [1, { b: "text" }] }).node.kind).toBe("literal");
    expect(parse({ a: [1, { b: "{{input}}" }] }).node.kind).toBe("object");
  });

  test("reports nesting beyond the limit, and does not follow it", () => {
    let value: JsonValue = "{{input}}";
    for (let i = 0; i < 100_000; i++) value = [value];
    expect(parse(value).problems).toEqual([expect.stringMatching(/nested deeper than 256/)]);
  });

  test("reads long hostile texts in one pass", () => {
    for (const text of ["{{".repeat(500_000), "{{a}}".repeat(1e5), `{{${"[".repeat(1e6)}}}`]) {
      expect(parse(text).problems.length).toBeGreaterThan(0);
    }
  });

  test("never throws, whatever the text", () => {
    const part = fc.constantFrom(
      "{{",
      "}}",
      "input",
      "steps",
      ".",
      "a",
      "[0]",
      "|",
      " ",
      "$",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        expect(() => parse(parts.join(""))).not.toThrow();
      }),
    );
  });
});
