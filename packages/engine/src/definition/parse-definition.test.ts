import { MAX_JSON_DEPTH, type Issue, type JsonValue, type MillraceError } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STEP_KINDS } from "../steps/step-kinds.ts";
import { issuesOf, warningsOf } from "../testkit/definition-issues.ts";
import type { Fields } from "../testkit/graph-run.ts";
import { compileDefinition, parseDefinition } from "./parse-definition.ts";
import { MAX_ISSUES } from "./report.ts";

const aStep = (fields: Fields = {}): Fields => ({
  id: "a",
  type: "function",
  function: "f",
  ...fields,
});

const aDefinition = (fields: Fields = {}): Fields => ({
  name: "Test",
  trigger: { type: "api" },
  steps: [aStep()],
  ...fields,
});

const aCondition = (id: string, then: JsonValue = [], otherwise: JsonValue = []): Fields => ({
  id,
  type: "condition",
  config: JSON.parse(`{
    "conditions": { "left": "{{input.x}}", "operator": "eq", "right": 1 },
    "then": ${JSON.stringify(then)}, "else": ${JSON.stringify(otherwise)}
  }`) as JsonValue,
});

const withSteps = (...steps: JsonValue[]): JsonValue => aDefinition({ steps });

/** Sentence, definition, place, message, hint. */
type Row = [string, JsonValue, string, RegExp, RegExp?];

/** The one issue, told as the row tells it. */
const theIssueOf = (definition: JsonValue): Partial<Issue> & { readonly at?: string } => {
  const issues = issuesOf(definition);
  const [issue] = issues;
  if (issue === undefined || issues.length > 1) throw new Error(JSON.stringify(issues));
  return { ...issue, at: issue.path.join(".") };
};

describe("parseDefinition", () => {
  test("accepts a definition and keeps it as its author sent it", () => {
    const definition = aDefinition({
      description: "What it does",
      timeoutMs: 60_000,
      output: { id: "{{steps.a.output.id}}" },
      steps: [aStep({ name: "Step A", retries: 3, timeoutMs: 1_000, config: { to: "{{input}}" } })],
    });
    expect(parseDefinition(definition, STEP_KINDS)).toEqual({ ok: true, definition, warnings: [] });
  });

  test("starts by API if there is no trigger", () => {
    const parsed = parseDefinition({ name: "Test", steps: [aStep()] }, STEP_KINDS);
    expect(parsed.ok && parsed.definition.trigger).toEqual({ type: "api" });
  });

  test("keeps notes, settings, schemas and any number of triggers", () => {
    const definition = {
      $schema: "https://example.com/definition.json",
      name: "Test",
      triggers: [{ type: "api" }, { type: "webhook", path: "/webhooks/orders" }],
      metadata: { owner: "Ada" },
      settings: { anything: [1] },
      inputSchema: { type: "object", required: ["x"] },
      outputSchema: { type: "number" },
      steps: [
        aStep({ description: "What it does", errorHandling: { strategy: "retry", retries: 2 } }),
      ],
    };
    const parsed = parseDefinition(definition, STEP_KINDS);
    expect(parsed).toMatchObject({ ok: true, definition });
    expect(parsed.ok && Object.keys(parsed.definition)).not.toContain("trigger");
  });

  test("keeps the fields of a trigger that nothing fires yet, and warns", () => {
    const trigger = { type: "schedule", cron: "0 9 * * *", timezone: "UTC" };
    const parsed = parseDefinition(aDefinition({ trigger }), STEP_KINDS);
    expect(parsed).toMatchObject({
      ok: true,
      definition: { trigger },
      warnings: [{ path: ["trigger", "type"], hint: "start runs by API" }],
    });
    expect(warningsOf(aDefinition({ trigger: { type: "manual" } }))).toEqual([]);
  });

  test.each<Row>([
    ["text", "x", "", /Expected object, received string "x"/],
    ["null", null, "", /Expected object, received null/],
    ["a list", [], "", /Expected object, received array/],
    ["no name", { steps: [aStep()] }, "name", /^Required$/],
    ["an empty name", aDefinition({ name: "" }), "name", /Must not be empty/],
    ["a name with NUL", aDefinition({ name: "a\u0000" }), "name", /control characters.*U\+0000/],
    ["half a surrogate pair", aDefinition({ name: "\ud800" }), "name", /lone surrogate/],
    ["a number as name", aDefinition({ name: 5 }), "name", /Expected string, received number 5/],
    ["a list as description", aDefinition({ description: [] }), "description", /received array/],
    ["no steps", { name: "a" }, "steps", /^Required$/],
    ["empty steps", aDefinition({ steps: [] }), "steps", /at least one step/],
    ["steps that are no list", aDefinition({ steps: {} }), "steps", /Expected array/],
    ["a trigger that is text", aDefinition({ trigger: "api" }), "trigger", /Expected object/],
    ["a trigger without type", aDefinition({ trigger: {} }), "trigger.type", /^Required$/],
    [
      "an unknown trigger",
      aDefinition({ trigger: { type: "webhok" } }),
      "trigger.type",
      /Unknown trigger type "webhok"/,
      /did you mean "webhook"\?/,
    ],
    ["a negative deadline", aDefinition({ timeoutMs: -1 }), "timeoutMs", /received -1/],
    ["an endless deadline", aDefinition({ timeoutMs: Infinity }), "timeoutMs", /received Infinity/],
    ["NaN as deadline", aDefinition({ timeoutMs: NaN }), "timeoutMs", /received NaN/],
    [
      "an unknown field",
      aDefinition({ step: [] }),
      "step",
      /Unknown field "step"/,
      /did you mean "steps"\?/,
    ],
    ["a field that is like nothing", aDefinition({ whatever: 1 }), "whatever", /Unknown field/],
    [
      "a prototype's key",
      JSON.parse(
        '{"name":"a","steps":[{"id":"a","type":"function","function":"f"}],"__proto__":1}',
      ) as JsonValue,
      "__proto__",
      /Unknown field "__proto__"/,
    ],
    ["settings that are no object", aDefinition({ settings: [] }), "settings", /Expected object/],
    [
      "an inputSchema that is none",
      aDefinition({ inputSchema: { type: "texts" } }),
      "inputSchema.type",
      /texts/,
    ],
    [
      "an outputSchema that is none",
      aDefinition({ outputSchema: 5 }),
      "outputSchema",
      /received number 5/,
    ],
    [
      "two places for triggers",
      aDefinition({ triggers: [] }),
      "triggers",
      /Stands beside `trigger`/,
      /put all of them/,
    ],
    [
      "a trigger of a list without type",
      { name: "a", steps: [aStep()], triggers: [{ type: "api" }, {}] },
      "triggers.1.type",
      /^Required$/,
    ],
    [
      "a trigger of a list that is text",
      { name: "a", steps: [aStep()], triggers: ["api"] },
      "triggers.0",
      /Expected object/,
    ],
    [
      "a secret",
      aDefinition({ trigger: { type: "webhook", secret: "x" } }),
      "trigger.secret",
      /does not keep secrets/,
    ],
    [
      "a secret in config",
      aDefinition({ trigger: { type: "webhook", config: { secret: "x" } } }),
      "trigger.config",
      /does not keep secrets/,
    ],
    ["a bad output template", aDefinition({ output: { a: "{{b" } }), "output.a", /not closed/],
  ])("refuses %s", (_, definition, at, message, hint = /^/) => {
    const issue = theIssueOf(definition);
    expect(issue.at).toBe(at);
    expect(issue.message).toMatch(message);
    expect(issue.hint ?? "").toMatch(hint);
  });

  test.each<Row>([
    ["text as a step", withSteps("a"), "steps.0", /Expected object, received string "a"/],
    ["a step without id", withSteps({ type: "function", function: "f" }), "steps.0.id", /Required/],
    ["a number as id", withSteps(aStep({ id: 5 })), "steps.0.id", /Expected string/],
    ["an id that no path can say", withSteps(aStep({ id: "a.b" })), "steps.0.id", /"a\.b"/],
    ["an id like a loop's key", withSteps(aStep({ id: "a#2" })), "steps.0.id", /letters, digits/],
    [
      "an id that is taken",
      withSteps(aStep(), aStep({ id: "b" }), aStep()),
      "steps.2.id",
      /"a" is taken by step 1/,
    ],
    ["a step without type", withSteps({ id: "a" }), "steps.0.type", /Required/, /function/],
    [
      "an unknown type",
      withSteps({ id: "a", type: "functoin" }),
      "steps.0.type",
      /Unknown step type "functoin"/,
      /did you mean "function"\?/,
    ],
    [
      "the type constructor",
      withSteps({ id: "a", type: "constructor" }),
      "steps.0.type",
      /Unknown/,
    ],
    [
      "an unknown field of a step",
      withSteps(aStep({ retires: 3 })),
      "steps.0.retires",
      /Unknown field "retires"/,
      /did you mean "retries"\?/,
    ],
    [
      "a field of another kind",
      withSteps({ ...aCondition("a"), function: "f" }),
      "steps.0.function",
      /Unknown field/,
    ],
    ["text as config", withSteps(aStep({ config: "x" })), "steps.0.config", /Expected object/],
    ["an empty step name", withSteps(aStep({ name: "" })), "steps.0.name", /Must not be empty/],
    [
      "a template that reads an unknown step",
      withSteps(aStep({ id: "total" }), aStep({ config: { x: "{{steps.totel.output}}" } })),
      "steps.1.config.x",
      /Unknown step "totel"/,
      /did you mean "total"\?/,
    ],
    [
      "an unknown filter",
      withSteps(aStep({ config: { x: ["{{input.a | sun}}"] } })),
      "steps.0.config.x.0",
      /unknown filter "sun"/,
      /did you mean "sum"\?/,
    ],
    [
      "a guard that is no expression",
      withSteps(aStep({ condition: true })),
      "steps.0.condition",
      /Expected an expression, received boolean true/,
    ],
    [
      "a guard with a mistake",
      withSteps(aStep({ condition: "input.x ===" })),
      "steps.0.condition",
      /The expression input\.x ===/,
    ],
    [
      "a guard that reads an unknown step",
      withSteps(aStep({ id: "total" }), aStep({ condition: "steps.totel.output > 1" })),
      "steps.1.condition",
      /Unknown step "totel"/,
      /did you mean "total"\?/,
    ],
    [
      "errorHandling without a strategy",
      withSteps(aStep({ errorHandling: {} })),
      "steps.0.errorHandling.strategy",
      /^Required$/,
      /one of fail, continue, retry/,
    ],
    [
      "an unknown strategy",
      withSteps(aStep({ errorHandling: { strategy: "contine" } })),
      "steps.0.errorHandling.strategy",
      /Unknown strategy "contine"/,
      /did you mean "continue"\?/,
    ],
    [
      "a strategy that is like nothing",
      withSteps(aStep({ errorHandling: { strategy: "ignore" } })),
      "steps.0.errorHandling.strategy",
      /Unknown strategy "ignore"/,
      /one of fail, continue, retry/,
    ],
    [
      "a fallback that is never used",
      withSteps(aStep({ errorHandling: { strategy: "fail", fallback: 1 } })),
      "steps.0.errorHandling.fallback",
      /Is used only with "strategy": "continue"/,
    ],
    [
      "retries of another strategy",
      withSteps(aStep({ errorHandling: { strategy: "continue", retries: 1 } })),
      "steps.0.errorHandling.retries",
      /Is used only with "strategy": "retry"/,
    ],
    [
      "an unknown field of errorHandling",
      withSteps(aStep({ errorHandling: { strategy: "continue", fallbck: 1 } })),
      "steps.0.errorHandling.fallbck",
      /Unknown field/,
      /did you mean "fallback"\?/,
    ],
    [
      "a fallback with a mistake",
      withSteps(aStep({ errorHandling: { strategy: "continue", fallback: "{{x" } })),
      "steps.0.errorHandling.fallback",
      /not closed/,
    ],
  ])("refuses %s", (_, definition, at, message, hint = /^/) => {
    const issue = theIssueOf(definition);
    expect(issue.at).toBe(at);
    expect(issue.message).toMatch(message);
    expect(issue.hint ?? "").toMatch(hint);
  });

  test("reports all mistakes at once", () => {
    const issues = issuesOf({
      nam: "Test",
      trigger: { type: 7 },
      steps: [
        { id: "a b", type: "wait", config: { duration: -5 }, extra: 1 },
        aCondition("c", ["nobody"]),
        5,
        aStep({ id: "d", retries: 101, config: { x: "{{y..z}}" } }),
      ],
      output: "{{steps.z.output}}",
      settings: 1,
    });
    expect(issues.map((issue) => issue.path.join(".")).toSorted()).toEqual([
      "nam",
      "name",
      "output",
      "settings",
      "steps.0.config.duration",
      "steps.0.extra",
      "steps.0.id",
      "steps.1.config.then.0",
      "steps.2",
      "steps.3.config.x",
      "steps.3.retries",
      "trigger.type",
    ]);
  });

  test("counts mistakes that are too many to list", () => {
    const issues = issuesOf(withSteps(...Array.from({ length: MAX_ISSUES + 50 }, () => 1)));
    expect(issues).toHaveLength(MAX_ISSUES + 1);
    expect(issues.at(-1)?.message).toBe("50 more mistakes are not listed");
  });

  test("takes prototypes' names as ids and keys, and reads nothing from a prototype", () => {
    const text = `{ "name": "a", "steps": [
      { "id": "constructor", "type": "transform", "config": { "mapping": { "__proto__": 1, "toString": 2 } } },
      { "id": "__proto__", "type": "function", "function": "f", "config": { "x": "{{steps.constructor.output.toString}}" } }
    ] }`;
    expect(issuesOf(JSON.parse(text) as JsonValue)).toEqual([]);
    const inherited = Object.create({ name: "a", steps: [aStep()] }) as Fields;
    expect(issuesOf(inherited).map((issue) => issue.message)).toEqual(["Required", "Required"]);
  });

  test.each<[string, JsonValue, string, RegExp]>([
    [
      "retries of a step that the engine does itself",
      withSteps({ ...aCondition("c"), retries: 3 }),
      "steps.0.retries",
      /Changes nothing/,
    ],
    [
      "a kind of step that comes later",
      withSteps({ id: "a", type: "approval", config: { approvers: ["ada@example.com"] } }),
      "steps.0.type",
      /approval/,
    ],
    [
      "a note that looks like input",
      withSteps(aStep({ config: { description: "{{input.x}}" } })),
      "steps.0.config.description",
      /does not get it/,
    ],
  ])("warns of %s", (_, definition, at, message) => {
    const warnings = warningsOf(definition);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.path.join(".")).toBe(at);
    expect(warnings[0]?.message).toMatch(message);
  });

  test("does not warn of a step that reads an earlier one, or of an output that reads any", () => {
    const definition = aDefinition({
      steps: [aStep(), aStep({ id: "b", config: { x: "{{steps.a.output}}" } })],
      output: "{{steps.b.output}}",
    });
    expect(warningsOf(definition)).toEqual([]);
  });

  test("reports nesting beyond the limit instead of following it", () => {
    let mapping: JsonValue = 1;
    for (let i = 0; i <= MAX_JSON_DEPTH; i++) mapping = { a: mapping };
    const definition = withSteps({ id: "a", type: "transform", config: { mapping } });
    expect(issuesOf(definition).map((issue) => issue.message)).toEqual([
      expect.stringMatching(/deeper than 256/),
    ]);
  });

  test("never throws, whatever it is given", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => parseDefinition(value as JsonValue, STEP_KINDS)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  test("never throws when one part of a good definition is replaced, and accepts only what compiles", () => {
    const part = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }).map((value) => value as JsonValue),
      fc.constantFrom("{{", "{{steps.a.output}}", "a", "c", "", -1, 1e308, "__proto__"),
    );
    const text = JSON.stringify(
      aDefinition({
        timeoutMs: 5,
        output: { x: "{{steps.a.output}}" },
        steps: [
          aStep({ retries: 1, retryConfig: { factor: 2 }, config: { timeout: 5, x: "{{input}}" } }),
          aCondition("c", ["w"], ["t", "s"]),
          { id: "w", type: "wait", config: { duration: 5 } },
          { id: "t", type: "transform", config: { mapping: { x: ["{{result}}"] } } },
          { id: "s", type: "subworkflow", config: { workflow: "other" } },
        ],
      }),
    );
    const places = Array.from(text.matchAll(/"[^"]*"|\d+/g), (match) => match.index);
    fc.assert(
      fc.property(fc.constantFrom(...places), part, (place, value) => {
        const rest = text.slice(place).replace(/^("[^"]*"|\d+)/, "");
        const mutated = text.slice(0, place) + JSON.stringify(value) + rest;
        let definition: JsonValue;
        try {
          definition = JSON.parse(mutated) as JsonValue;
        } catch {
          // A value in the place of a key is no JSON.
          return;
        }
        const parsed = parseDefinition(definition, STEP_KINDS);
        const compile = (): unknown =>
          parsed.ok && compileDefinition(parsed.definition, STEP_KINDS);
        expect(compile).not.toThrow();
        expect(parsed.ok || parsed.issues.length > 0).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test("reads ten thousand steps, in a list and in conditions nested as deep", () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `s${i}`);
    const list = withSteps(...ids.map((id) => aStep({ id })));
    const nested = withSteps(
      ...ids.map((id, i) => aCondition(id, i + 1 < ids.length ? [`s${i + 1}`] : [])),
    );
    expect(issuesOf(list)).toEqual([]);
    expect(issuesOf(nested)).toEqual([]);
  });

  test("stays quick with ten thousand mistakes", () => {
    const wrong = Array.from({ length: 10_000 }, (_, i) => ({
      ...aCondition(`s${i}`, [`x${i}`]),
      [`unknown${i}`]: 1,
    }));
    expect(issuesOf(withSteps(...wrong))).toHaveLength(MAX_ISSUES + 1);
  });
});

describe("compileDefinition", () => {
  test("refuses what parseDefinition would, with all mistakes", () => {
    const definition = { name: "x", trigger: { type: "api" }, steps: [] } as const;
    let caught: unknown;
    try {
      compileDefinition(definition, STEP_KINDS);
    } catch (error) {
      caught = error;
    }
    // Thrown as one, and read as one.
    const { code, issues } = caught as MillraceError;
    expect(code).toBe("definition.invalid");
    expect(issues).toHaveLength(1);
  });
});
