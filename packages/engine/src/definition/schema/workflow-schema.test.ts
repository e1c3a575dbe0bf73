// The published JSON Schema of workflows, `schema/workflow.schema.json`: against what people write, and against the
// parser, which has the last word.
import { Validator } from "@cfworker/json-schema";
import { parseJson, type JsonValue } from "@millrace/protocol";
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import {
  evaluate,
  readJsonSample,
  readSample,
  recordConsole,
} from "../../../../../conformance/sample.ts";
import { readFences, readPages } from "../../../../../tools/testkit/read-docs.ts";
import { ROOT } from "../../../../../tools/workspace.ts";
import { STEP_KINDS } from "../../steps/step-kinds.ts";
import { isList, isObject, ownValue, type JsonObject } from "../json-shape.ts";
import { parseDefinition } from "../parse-definition.ts";
import { Report } from "../report.ts";
import { compileSchema } from "./compile-schema.ts";

function read(text: string): JsonValue {
  const parsed = parseJson(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}

function open(value: JsonValue | undefined, ...names: readonly string[]): JsonObject {
  let found = value;
  for (const name of names) found = isObject(found) ? ownValue(found, name) : undefined;
  if (!isObject(found)) throw new Error(`there is no ${names.join(".")}`);
  return found;
}

const { resolve } = createRequire(import.meta.url);
/** As users name it. */
const TEXT = readFileSync(resolve("@millrace/engine/workflow.schema.json"), "utf8");
const SCHEMA = open(read(TEXT));
const DEFS = open(SCHEMA, "$defs");
// It writes into the schema that it is given.
const VALIDATOR = new Validator(
  JSON.parse(TEXT) as ConstructorParameters<typeof Validator>[0],
  "2020-12",
);

/** Empty: it fits. */
const mistakesOf = (definition: JsonValue): readonly string[] =>
  VALIDATOR.validate(definition).errors.map((unit) => `${unit.instanceLocation}: ${unit.error}`);

type Named = readonly [name: string, definition: JsonValue];

const isWorkflow = (value: JsonValue): boolean => isObject(value) && isList(value["steps"]);

/** Sample code of the seed that creates a workflow is run, and what it would send is what we look at. */
async function runSample(path: string): Promise<JsonValue> {
  let sent: unknown;
  const create = (definition: unknown): unknown => (sent = definition);
  await evaluate(readSample(path), { api: { workflows: { create } }, console: recordConsole() });
  return read(JSON.stringify(sent));
}

const SEED_001 = [
  "15-process-order",
  "16-customer-onboarding",
  "17-approve-purchase",
  "18-multi-channel-notification",
  "19-retry-failed-payments",
  "26-order-fulfillment",
  "29-handle-errors",
];

const STEP: JsonValue = { id: "a", type: "function", function: "f" };
const aWorkflow = (...steps: readonly JsonValue[]): JsonValue => ({ name: "A", steps });
const aStep = (fields: JsonObject): JsonValue => aWorkflow({ id: "a", ...fields });

/** From samples of the seeds that other tests have no copy of. */
const SEED_FRAGMENTS: readonly Named[] = [
  [
    "content review",
    aWorkflow(
      {
        id: "ai-review",
        name: "AI Content Review",
        type: "agent",
        config: {
          agentRole: "content-reviewer",
          tools: ["sentiment-analysis", "compliance-check"],
        },
        next: "human-review",
      },
      {
        id: "human-review",
        name: "Human Content Review",
        type: "human",
        config: { reviewers: ["ada@example.com"], timeout: 172_800_000, requiredApprovals: 1 },
      },
    ),
  ],
  ["an API trigger", { name: "A", trigger: { type: "api" }, steps: [STEP] }],
  [
    "triggers of every kind",
    {
      name: "A",
      steps: [STEP],
      triggers: [
        {
          type: "event",
          config: { eventType: "order.created" },
          condition: "event.data.total > 1000",
        },
        { type: "schedule", config: { cron: "0 9 * * *", timezone: "America/New_York" } },
        {
          type: "webhook",
          config: { path: "/webhooks/stripe", method: "POST", validateSignature: true },
        },
        { type: "manual" },
      ],
    },
  ],
  [
    "a described condition",
    aStep({
      name: "Check Discount Eligibility",
      type: "condition",
      condition: "customer.lifetimeValue > 10000 && customer.purchases > 5",
      config: { description: "Customer qualifies for VIP discount if LTV > $10k and 5+ purchases" },
    }),
  ],
];

const EXAMPLES: readonly Named[] = globSync("examples/**/*workflow.json", { cwd: ROOT })
  .toSorted()
  .map((path) => [path, read(readFileSync(`${ROOT}/${path}`, "utf8"))]);

const PRINTED: readonly Named[] = readPages()
  .flatMap(readFences)
  .filter((fence) => fence.language === "json")
  .map((fence): Named => [`${fence.page}:${fence.line}`, read(fence.text)])
  .filter(([, value]) => isWorkflow(value));

/** Right, by the parser too. */
const RIGHT: readonly Named[] = [
  ["a name and a step", aWorkflow(STEP)],
  [
    "every field of a workflow",
    {
      $schema: "./workflow.schema.json",
      name: "A",
      description: "d",
      trigger: { type: "api" },
      inputSchema: { type: "object" },
      outputSchema: true,
      steps: [STEP],
      output: { id: "{{steps.a.output.id}}" },
      timeoutMs: 1_000,
      settings: {},
      metadata: { category: "a" },
    },
  ],
  [
    "every setting of a call",
    aStep({
      type: "function",
      function: { id: "f", description: "d" },
      description: "d",
      condition: "input.a",
      retries: 1,
      retryConfig: { initialDelayMs: 1, maxDelayMs: 2, factor: 2 },
      timeoutMs: 1,
      errorHandling: { strategy: "continue", fallback: null },
      config: { anything: "{{input.a}}" },
    }),
  ],
  ["an action", aStep({ type: "action", action: "stripe.createInvoice", config: { amount: 1 } })],
  [
    "an action named in config",
    aStep({ type: "action", config: { action: "http.request", url: "https://example.com" } }),
  ],
  [
    "a request",
    aStep({ type: "http", config: { url: "https://example.com", headers: { a: "b" } } }),
  ],
  [
    "a mail",
    aStep({
      type: "email",
      config: { to: ["ada@example.com"], subject: "s", body: { text: "t" } },
    }),
  ],
  ["a mapping", aStep({ type: "transform", config: { mapping: { a: "{{input.a}}" } } })],
  [
    "rules",
    aStep({
      type: "transform",
      config: { sourceData: "{{input.items}}", mappingRules: [{ source: "a", target: "b" }] },
    }),
  ],
  [
    "short rules",
    aStep({
      type: "transform",
      config: { sourceData: "{{input.items}}", mappingRules: { b: "a.b" } },
    }),
  ],
  [
    "a comparison",
    aStep({
      type: "condition",
      config: { conditions: { left: "{{input.a}}", operator: "isEmpty" } },
    }),
  ],
  [
    "a comparison in config",
    aStep({ type: "condition", config: { left: 1, operator: "eq", right: 1 } }),
  ],
  [
    "groups",
    aStep({
      type: "condition",
      config: { conditions: { and: [{ or: [{ left: 1, operator: "eq", right: 1 }] }] } },
    }),
  ],
  [
    "branches",
    aWorkflow(
      { id: "p", type: "parallel", config: { branches: ["a", ["b", "c"]], waitFor: "any" } },
      { ...open(STEP), id: "a" },
      { ...open(STEP), id: "b" },
      { ...open(STEP), id: "c" },
    ),
  ],
  [
    "a loop of a list",
    aWorkflow(
      {
        id: "l",
        type: "loop",
        config: { items: "input.items", steps: ["a"], concurrency: 2, maxIterations: 5 },
      },
      STEP,
    ),
  ],
  [
    "a loop of a graph",
    aWorkflow({ id: "l", type: "loop", condition: "index < 3", next: "a", done: "b" }, STEP, {
      ...open(STEP),
      id: "b",
    }),
  ],
  ["a wait", aStep({ type: "wait", config: { duration: 5 } })],
  ["a wait of a template", aStep({ type: "wait", config: { duration: "{{input.ms}}" } })],
  ["a wait for an instant", aStep({ type: "wait", config: { until: "2030-01-01T00:00:00Z" } })],
  ["a subworkflow", aStep({ type: "subworkflow", config: { workflow: "b", input: {} } })],
  [
    "an error route",
    aWorkflow({ ...open(STEP), config: { onError: ["b"] } }, { ...open(STEP), id: "b" }),
  ],
  [
    "an approval",
    aStep({ type: "approval", config: { approvers: ["ada@example.com"], timeoutMs: 5 } }),
  ],
  ["a wait for an event", aStep({ type: "waitForEvent", config: { eventType: "a" } })],
];

/** As little as each kind of step must have. */
const BARE: Readonly<Record<string, JsonObject & { readonly config?: JsonObject }>> = {
  function: { function: "f" },
  action: { action: "http.request" },
  http: { config: { url: "https://example.com" } },
  email: { config: { to: "ada@example.com" } },
  transform: { config: { mapping: {} } },
  condition: { condition: "true" },
  parallel: {},
  loop: { config: { items: [] } },
  wait: { config: { duration: 1 } },
  subworkflow: { config: { workflow: "b" } },
  human: {},
  approval: {},
  agent: {},
  waitForEvent: {},
};

/** Wrong, by the parser too. */
const WRONG: readonly Named[] = [
  ["a list", []],
  ["no name", { steps: [STEP] }],
  ["an empty name", { name: "", steps: [STEP] }],
  ["no steps", { name: "A" }],
  ["an empty list of steps", aWorkflow()],
  ["an unknown field", { name: "A", steps: [STEP], stpes: [] }],
  ["both forms of triggers", { name: "A", steps: [STEP], trigger: { type: "api" }, triggers: [] }],
  ["an unknown trigger", { name: "A", steps: [STEP], trigger: { type: "cron" } }],
  ["a trigger without a type", { name: "A", steps: [STEP], trigger: {} }],
  ["a timeout of nothing", { name: "A", steps: [STEP], timeoutMs: 0 }],
  ["metadata in a list", { name: "A", steps: [STEP], metadata: [] }],
  ["a schema that is a text", { name: "A", steps: [STEP], inputSchema: "object" }],
  ["a step that is a text", aWorkflow("a")],
  ["a step without an id", aWorkflow({ type: "function", function: "f" })],
  ["an id with a dot", aWorkflow({ ...open(STEP), id: "a.b" })],
  ["a step without a type", aStep({ function: "f" })],
  ["an unknown type", aStep({ type: "functoin", function: "f" })],
  ["an unknown field of a step", aStep({ type: "function", function: "f", retires: 1 })],
  ["next as a number", aStep({ type: "function", function: "f", next: 1 })],
  [
    "a step named twice",
    aWorkflow({ ...open(STEP), next: ["b", "b"] }, { ...open(STEP), id: "b" }),
  ],
  ["too many retries", aStep({ type: "function", function: "f", retries: 1_000 })],
  ["half a retry", aStep({ type: "function", function: "f", retries: 0.5 })],
  [
    "an unknown setting of retries",
    aStep({ type: "function", function: "f", retryConfig: { delay: 1 } }),
  ],
  ["an unknown way to back off", aStep({ type: "function", function: "f", backoff: "linear" })],
  [
    "an unknown strategy",
    aStep({ type: "function", function: "f", errorHandling: { strategy: "ignore" } }),
  ],
  [
    "a fallback of no use",
    aStep({ type: "function", function: "f", errorHandling: { strategy: "fail", fallback: 1 } }),
  ],
  ["a guard that is no expression", aStep({ type: "function", function: "f", condition: true })],
  ["a function without its name", aStep({ type: "function" })],
  ["a described function without its name", aStep({ type: "function", function: {} })],
  [
    "a reserved name in a function's input",
    aStep({ type: "function", function: "f", config: { items: 1 } }),
  ],
  ["an action without its name", aStep({ type: "action", config: {} })],
  ["a request without an address", aStep({ type: "http", config: {} })],
  ["a mail to nobody", aStep({ type: "email", config: { subject: "s" } })],
  [
    "a mail that waits",
    aStep({ type: "email", config: { to: "ada@example.com", action: "schedule" } }),
  ],
  ["a transform without a mapping", aStep({ type: "transform", config: {} })],
  ["a mapping that is a text", aStep({ type: "transform", config: { mapping: "{{input}}" } })],
  [
    "two forms of a transform",
    aStep({
      type: "transform",
      config: { mapping: {}, sourceData: "{{input}}", mappingRules: { a: "a" } },
    }),
  ],
  [
    "an unknown field of a transform",
    aStep({ type: "transform", config: { mapping: {}, maping: {} } }),
  ],
  [
    "an unknown field of a rule",
    aStep({
      type: "transform",
      config: { sourceData: [], mappingRules: [{ source: "a", target: "b", form: 1 }] },
    }),
  ],
  ["a condition that says nothing", aStep({ type: "condition" })],
  [
    "an unknown operator",
    aStep({ type: "condition", config: { conditions: { left: 1, operator: "equals", right: 1 } } }),
  ],
  [
    "a comparison without a left side",
    aStep({ type: "condition", config: { conditions: { operator: "eq", right: 1 } } }),
  ],
  ["an empty group", aStep({ type: "condition", config: { conditions: { and: [] } } })],
  [
    "a comparison in a group's place",
    aStep({
      type: "condition",
      config: { conditions: { and: [{ left: 1, operator: "eq", right: 1 }], left: 1 } },
    }),
  ],
  [
    "two conditions",
    aStep({ type: "condition", condition: "true", config: { condition: "true" } }),
  ],
  ["an unknown way to wait for branches", aStep({ type: "parallel", config: { waitFor: "some" } })],
  ["an unknown field of a parallel step", aStep({ type: "parallel", config: { brances: [] } })],
  ["a loop over nothing", aStep({ type: "loop", config: { steps: ["b"] } })],
  ["a loop without an end", aStep({ type: "loop", config: { items: [], maxIterations: 0 } })],
  ["items and a condition", aStep({ type: "loop", condition: "true", config: { items: [] } })],
  ["an unknown field of a loop", aStep({ type: "loop", config: { items: [], parallel: true } })],
  ["a wait for nothing", aStep({ type: "wait", config: {} })],
  ["two ends of a wait", aStep({ type: "wait", config: { duration: 1, until: "2030-01-01" } })],
  ["a wait of five minutes in words", aStep({ type: "wait", config: { duration: "5m" } })],
  ["a subworkflow without its name", aStep({ type: "subworkflow", config: {} })],
  [
    "a subworkflow with retries",
    aStep({ type: "subworkflow", config: { workflow: "b" }, retries: 1 }),
  ],
  [
    "a subworkflow by a template",
    aStep({ type: "subworkflow", config: { workflow: "{{input.w}}" } }),
  ],
];

describe("the published schema of workflows", () => {
  test("is a schema without a mistake or an unknown keyword", () => {
    const report = new Report();
    expect(compileSchema(SCHEMA, [], report)).toBeDefined();
    expect([...report.errors, ...report.warnings]).toEqual([]);
  });

  test("describes every definition and every field", () => {
    const bare: string[] = [];
    const visit = (node: JsonValue, path: string): void => {
      if (isList(node)) for (const [i, item] of node.entries()) visit(item, `${path}/${i}`);
      if (!isObject(node)) return;
      for (const [name, value] of Object.entries(node)) {
        visit(value, `${path}/${name}`);
        const isNamed = name === "$defs" || (name === "properties" && "type" in node);
        if (!isNamed || !isObject(value)) continue;
        for (const [key, field] of Object.entries(value)) {
          if (!isObject(field)) continue;
          const target = typeof field["$ref"] === "string" ? field["$ref"].split("/").at(-1) : "";
          if ("description" in field || "description" in open(DEFS[target ?? ""] ?? {})) continue;
          bare.push(`${path}/${name}/${key}`);
        }
      }
    };
    visit(SCHEMA, "");
    expect(bare).toEqual([]);
  });

  test("knows every kind of step, and no other", () => {
    const { enum: kinds } = open(DEFS, "step", "properties", "type");
    expect(new Set(isList(kinds) ? kinds : [])).toEqual(new Set(STEP_KINDS.keys()));
    for (const kind of STEP_KINDS.keys()) {
      expect(open(DEFS, `${kind}Step`, "properties", "type")["const"]).toBe(kind);
    }
  });

  test.each(SEED_001)("takes sample %s of the seed", async (name) => {
    expect(mistakesOf(await runSample(`001/${name}.js`))).toEqual([]);
  });

  test("takes the complete example of the other seed, and its trigger", () => {
    const complete = read(JSON.stringify(readJsonSample("004/24-process-customer-order.json")));
    expect(isWorkflow(complete)).toBe(true);
    expect(mistakesOf(complete)).toEqual([]);
    const trigger = open(read(JSON.stringify(readJsonSample("004/01-trigger.json"))));
    expect(mistakesOf({ ...open(aWorkflow(STEP)), ...trigger })).toEqual([]);
  });

  test.each(SEED_FRAGMENTS)("takes %s, as a seed has it", (_, definition) => {
    expect(mistakesOf(definition)).toEqual([]);
  });

  test("takes every example of the repository, and every workflow that a page prints", () => {
    expect(EXAMPLES.length).toBeGreaterThan(2);
    expect(PRINTED.length).toBeGreaterThan(5);
    for (const [name, definition] of [...EXAMPLES, ...PRINTED]) {
      expect([name, mistakesOf(definition)]).toEqual([name, []]);
    }
  });

  test.each(RIGHT)("takes %s, as the parser does", (_, definition) => {
    const parsed = parseDefinition(definition, STEP_KINDS);
    expect(parsed.ok ? [] : parsed.issues).toEqual([]);
    expect(mistakesOf(definition)).toEqual([]);
  });

  test.each(WRONG)("refuses %s, as the parser does", (_, definition) => {
    expect(parseDefinition(definition, STEP_KINDS).ok).toBe(false);
    expect(mistakesOf(definition)).not.toEqual([]);
  });

  test.each(Object.entries(BARE))(
    "names no field of a %s step that the parser does not know",
    (type, bare) => {
      const properties = open(DEFS, `${type}Step`, "properties");
      const config = open(properties, "config", "properties");
      const base = { id: "a", type, ...bare };
      const steps = [
        ...Object.keys(properties).map((name) => ({ [name]: null, ...base })),
        ...Object.keys(config).map((name) => ({
          ...base,
          config: { [name]: null, ...bare.config },
        })),
      ];
      const unknown = steps.flatMap((step) => {
        const parsed = parseDefinition(aWorkflow(step), STEP_KINDS);
        const messages = parsed.ok ? [] : parsed.issues.map((issue) => issue.message);
        return messages.filter((message) => message.startsWith("Unknown field"));
      });
      expect(unknown).toEqual([]);
    },
  );

  test("has the bare form of every kind of step", () => {
    expect(new Set(Object.keys(BARE))).toEqual(new Set(STEP_KINDS.keys()));
    for (const [type, bare] of Object.entries(BARE)) {
      expect([type, mistakesOf(aStep({ type, ...bare }))]).toEqual([type, []]);
    }
  });
});
