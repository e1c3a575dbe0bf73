// Every workflow that the guide prints is created on a real engine and run, and gives what stands below it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FUNCTIONS, METHODS } from "../packages/engine/src/definition/expression/calls.ts";
import { OPERATORS } from "../packages/engine/src/definition/expression/operators.ts";
import { COMPARISONS, TESTS } from "../packages/engine/src/steps/comparison.ts";
import { STEP_KINDS } from "../packages/engine/src/steps/step-kinds.ts";
import type { RunView } from "../packages/millrace/src/doors/rest/run-view.ts";
import { openGuideWorld, type GuideWorld, type Installed } from "./testkit/open-guide-world.ts";
import { readFences, readPage } from "./testkit/read-docs.ts";
import { GUIDE_PAGES, readGuide } from "./testkit/read-guide.ts";

const EXAMPLES = readGuide();

describe("the guide of JSON workflows", () => {
  let world: GuideWorld;
  const installed = new Map<string, Installed>();

  // One world, since workflows call others of their page.
  beforeAll(async () => {
    world = await openGuideWorld();
    for (const { name, definition } of EXAMPLES) {
      installed.set(name, await world.install(definition));
    }
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test.for(EXAMPLES.map((example) => [example.name, example.workflow, example] as const))(
    "%s: %s does what it says",
    async ([name, , { expected }]) => {
      const { id, warnings } = installed.get(name) ?? { id: "", warnings: [] };
      expect(warnings.map(({ message }) => message)).toEqual(expected.warnings ?? []);
      const { run, outbox } = await world.run(id, expected.input);
      const { output = run.output, error = null, steps = statusesOf(run) } = expected;
      const isFailed = error !== null;
      expect(run).toMatchObject({ status: isFailed ? "failed" : "completed", error });
      expect(run.output).toEqual(output);
      expect(statusesOf(run)).toEqual(steps);
      expect(outbox).toMatchObject(expected.outbox ?? outbox);
    },
  );

  test("gives every workflow a name of its own", () => {
    const names = EXAMPLES.map(({ workflow }) => workflow);
    expect(names).toEqual([...new Set(names)]);
  });

  test("has an example on every page", () => {
    const pages = new Set(EXAMPLES.map(({ name }) => name.split(":")[0]));
    expect([...pages]).toEqual(GUIDE_PAGES);
  });

  test("runs a step of every kind", () => {
    expect(missing(STEP_KINDS.keys(), valuesOf("type"))).toEqual([]);
  });

  test("compares by every operator of conditions", () => {
    const operators = [...COMPARISONS.keys(), ...TESTS.keys(), "matches"];
    expect(missing(operators, valuesOf("operator"))).toEqual([]);
  });

  test("has, with the page of expressions, an example of every operator and call", () => {
    const fences = readFences(readPage("docs/reference/expressions.md"));
    const sources = [
      ...fences.filter(({ language }) => language === "js").map(({ text }) => text),
      ...valuesOf("condition"),
      ...valuesOf("items"),
    ].join("\n");
    const words = [...Object.keys(METHODS), ...Object.keys(FUNCTIONS)].map((name) => `${name}(`);
    const parts = new Set(sources.match(/[\w$]+\(?|[=!<>]=+|&&|\|\||\?\?|[-+*/%<>!?:]/g));
    expect(missing([...Object.keys(OPERATORS), "&&", "||", "??", "?", ...words], parts)).toEqual(
      [],
    );
  });
});

const statusesOf = ({ steps }: RunView): Readonly<Record<string, string>> =>
  Object.fromEntries(steps.map(({ id, status }) => [id, status]));

const missing = (wanted: Iterable<string>, found: ReadonlySet<string>): readonly string[] =>
  [...wanted].filter((one) => !found.has(one));

/** The texts of every field of this name in the guide's workflows, at any depth. */
function valuesOf(field: string): ReadonlySet<string> {
  const found = new Set<string>();
  JSON.stringify(
    EXAMPLES.map(({ definition }) => definition),
    (key, value: unknown) => {
      if (key === field && typeof value === "string") found.add(value);
      return value;
    },
  );
  return found;
}
