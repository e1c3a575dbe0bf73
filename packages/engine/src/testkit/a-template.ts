import type { Issue, JsonValue } from "@millrace/protocol";
import { evaluate } from "../definition/render.ts";
import type { Hint } from "../definition/report.ts";
import { parseTemplate, type Template, type TemplateOptions } from "../definition/template.ts";
import { aScope, type ScopeParts } from "./a-scope.ts";

export interface ReadTemplate {
  readonly template: Template;
  readonly problems: readonly Issue[];
  readonly warnings: readonly Issue[];
  /** `config.x: id`, for each step that is read. */
  readonly references: readonly string[];
}

/** A template at `config.x`, and all that its parser has to say. */
export function readTemplate(value: JsonValue, options?: TemplateOptions): ReadTemplate {
  const problems: Issue[] = [];
  const warnings: Issue[] = [];
  const references: string[] = [];
  const toIssue = (path: Issue["path"], message: string, hint: Hint): Issue => {
    const text = typeof hint === "function" ? hint() : hint;
    return text === undefined ? { path, message } : { path, message, hint: text };
  };
  const root = parseTemplate(
    value,
    ["config", "x"],
    {
      problem: (path, message, hint) => problems.push(toIssue(path, message, hint)),
      warning: (path, message, hint) => warnings.push(toIssue(path, message, hint)),
      reference: (path, step) => references.push(`${path.join(".")}: ${step}`),
    },
    options,
  );
  return { template: { where: "config.x", root }, problems, warnings, references };
}

/** A template without mistakes. */
export function aTemplate(value: JsonValue, options?: TemplateOptions): Template {
  const { template, problems } = readTemplate(value, options);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return template;
}

/** What the template gives; undefined: it is one output, and leads nowhere. */
export const fill = (
  value: JsonValue,
  scope: ScopeParts = {},
  options?: TemplateOptions,
): JsonValue | undefined => evaluate(aTemplate(value, options), aScope(scope));
