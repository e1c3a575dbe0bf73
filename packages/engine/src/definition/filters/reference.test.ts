import { readFileSync } from "node:fs";
import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { fill } from "../../testkit/a-template.ts";
import { FILTERS } from "./filters.ts";
import { toSignature } from "./parse-output.ts";

const page = readFileSync(
  new URL("../../../../../docs/reference/templates.md", import.meta.url),
  "utf8",
);
const input = JSON.parse(/```json\n(.+?)```/s.exec(page)?.[1] ?? "") as JsonValue;

interface Example {
  readonly template: string;
  readonly result: string;
}

/** `{{ template }}` → `result`, in Markdown's code. */
function examplesOf(text: string): readonly Example[] {
  const found = text.matchAll(/`([^`]*\{\{[^`]*)` → `([^`]+)`/g);
  return Array.from(found, ([, template = "", result = ""]) => ({ template, result }));
}

const lineOf = (name: string): string =>
  page.split("\n").find((line) => new RegExp(`^- \`${name}[:\`]`).test(line)) ?? "";

describe("the reference of templates", () => {
  test.each(Array.from(FILTERS.values(), (filter) => [filter.name, filter] as const))(
    "describes %s as the engine does, with an example that uses it",
    (name, filter) => {
      expect(lineOf(name)).toContain(`- \`${toSignature(filter)}\`: ${filter.description} \`{{`);
      const examples = examplesOf(lineOf(name));
      expect(examples.length).toBeGreaterThan(0);
      for (const { template } of examples) expect(template).toMatch(new RegExp(`\\| ${name}\\b`));
    },
  );

  test("describes no filter that there is not", () => {
    const described = Array.from(page.matchAll(/^- `(\w+)(?:: [^`]*)?`: /gm), (match) => match[1]);
    expect(new Set(described)).toEqual(new Set(FILTERS.keys()));
  });

  test.each(examplesOf(page).map(({ template, result }) => [template, result]))(
    "is right that %s gives %s",
    (template, result) => {
      expect(JSON.stringify(fill(template, { input }))).toBe(result);
    },
  );

  test("has examples of everything but filters too", () => {
    expect(examplesOf(page).length).toBeGreaterThan(FILTERS.size + 10);
  });
});
