// The guide of JSON workflows: each workflow that it prints, with what stands below it, which is what a run of it gives.
import { parseJson, type JsonValue } from "@millrace/protocol";
import { readFences, readPage, type Fence } from "./read-docs.ts";

/** Pages on which every workflow is run. */
export const GUIDE_PAGES: readonly string[] = [
  "docs/learning/json-workflows.md",
  "docs/learning/steps.md",
  "docs/learning/flow.md",
  "docs/learning/loops.md",
  "docs/learning/errors-and-retries.md",
];

type JsonObject = { readonly [key: string]: JsonValue };

export interface GuideExample {
  /** Page and line. */
  readonly name: string;
  readonly workflow: string;
  readonly definition: JsonObject;
  readonly expected: Expected;
}

/** What stands below a workflow: `input`, and at least one of what a run has. */
export interface Expected {
  readonly input: JsonObject;
  /** All of it. */
  readonly output?: JsonValue;
  /** Some fields of it: the run failed. */
  readonly error?: JsonObject;
  /** By id, all of them. */
  readonly steps?: JsonObject;
  /** Messages that the sandbox has caught, in order, some fields of each. */
  readonly outbox?: readonly JsonObject[];
  /** Messages that the author gets when the workflow is created, all of them. */
  readonly warnings?: readonly string[];
}

const SHOWN = ["output", "error", "steps", "outbox"];
const KEYS = ["input", ...SHOWN, "warnings"];

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readJson({ text, page, line }: Fence): JsonValue {
  const parsed = parseJson(text);
  if (!parsed.ok) throw new Error(`${page}:${line}: ${parsed.problem}`);
  return parsed.value;
}

/** undefined: the block is JSON of another kind, or no JSON. */
export function readWorkflow(fence: Fence): JsonObject | undefined {
  if (fence.language !== "json") return undefined;
  const value = readJson(fence);
  return isObject(value) && Array.isArray(value["steps"]) ? value : undefined;
}

/** @throws a workflow without what a run of it gives */
export function readGuide(pages: readonly string[] = GUIDE_PAGES): readonly GuideExample[] {
  return pages.flatMap((page) => {
    const fences = readFences(readPage(page));
    return fences.flatMap((fence, i) => {
      const definition = readWorkflow(fence);
      return definition === undefined ? [] : toExample(fence, definition, fences[i + 1]);
    });
  });
}

function toExample(fence: Fence, definition: JsonObject, next: Fence | undefined): GuideExample {
  const name = `${fence.page}:${fence.line}`;
  const expected = next?.language === "json" ? readJson(next) : undefined;
  if (!isObject(expected) || !isExpected(expected)) {
    throw new Error(`${name}: below a workflow stands what a run of it gives: ${KEYS.join(", ")}`);
  }
  const workflow = definition["name"];
  if (typeof workflow !== "string") throw new Error(`${name}: the workflow has no name`);
  return { name, workflow, definition, expected };
}

function isExpected(value: JsonObject): value is JsonObject & Expected {
  const names = Object.keys(value);
  return (
    isObject(value["input"]) &&
    names.every((name) => KEYS.includes(name)) &&
    names.some((name) => SHOWN.includes(name))
  );
}
