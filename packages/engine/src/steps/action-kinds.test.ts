import type { Issue, JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { OperationBody } from "../core/program.ts";
import { compileDefinition, parseDefinition } from "../definition/parse-definition.ts";
import { aScope } from "../testkit/a-scope.ts";
import { DEFAULT_TIMEOUT_MS } from "./call-policy.ts";
import { STEP_KINDS } from "./step-kinds.ts";

type Fields = Readonly<Record<string, JsonValue>>;

const INPUT = { total: 4317.84, name: "<b>Ada</b>", email: "ada@example.com" };

const parse = (fields: Fields): ReturnType<typeof parseDefinition> =>
  parseDefinition({ name: "a", steps: [{ id: "a", ...fields }] }, STEP_KINDS);

function bodyOf(fields: Fields): Extract<OperationBody, { kind: "call" }> {
  const parsed = parse(fields);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const [step] = compileDefinition(parsed.definition, STEP_KINDS).steps;
  const body = step?.work.request(aScope({ input: INPUT }));
  if (body?.kind !== "call") throw new Error("no call");
  return body;
}

const inputOf = (fields: Fields): JsonValue => JSON.parse(bodyOf(fields).input) as JsonValue;

function issuesOf(fields: Fields): readonly string[] {
  const parsed = parse(fields);
  const toText = ({ path, message }: Issue): string => `${path.slice(2).join(".")}: ${message}`;
  return parsed.ok ? [] : parsed.issues.map(toText);
}

describe("an action", () => {
  test("calls the connector's action with its config, filled", () => {
    const config = { amount: "{{input.total}}", description: "For {{input.name}}", retries: 2 };
    expect(bodyOf({ type: "action", action: "stripe.createInvoice", config })).toMatchObject({
      kind: "call",
      executor: "action",
      target: "stripe.createInvoice",
      input: '{"description":"For <b>Ada</b>","amount":4317.84}',
      retry: { retries: 2 },
      timeoutMs: DEFAULT_TIMEOUT_MS,
    });
  });

  test("may have its name in config, and its input whole", () => {
    const config = { action: "http.request", input: { url: "https://example.com" } };
    expect(bodyOf({ type: "action", config })).toMatchObject({
      target: "http.request",
      input: '{"url":"https://example.com"}',
    });
  });

  test.each<[string, Fields, string]>([
    ["no name", {}, "action: Required"],
    [
      "an input beside other fields",
      { action: "a.b", config: { input: {}, amount: 1 } },
      "config.input: Stands beside other fields, and it is the whole input",
    ],
    ["an unknown field", { action: "a.b", actoin: 1 }, 'actoin: Unknown field "actoin"'],
  ])("refuses %s", (_, fields, issue) => {
    expect(issuesOf({ type: "action", ...fields })).toEqual([issue]);
  });
});

describe("an http step", () => {
  test("is the action http.request", () => {
    const config = {
      url: "https://example.com/{{input.email}}",
      method: "POST",
      body: { n: "{{input.total}}" },
    };
    const fields = { type: "http", config };
    expect(bodyOf(fields).target).toBe("http.request");
    expect(inputOf(fields)).toEqual({
      url: "https://example.com/ada@example.com",
      method: "POST",
      body: { n: 4317.84 },
    });
  });

  test("needs a URL, and reports what is wrong with it once", () => {
    expect(issuesOf({ type: "http" })).toEqual(["config.url: Required"]);
    expect(issuesOf({ type: "http", config: { url: "{{input.x" } })).toHaveLength(1);
  });
});

describe("an email step", () => {
  const mail = (config: Fields): Fields => ({
    type: "email",
    config: { to: "{{input.email}}", ...config },
  });

  test("escapes values in html, and nothing else", () => {
    const body = { html: "<p>{{input.name}} & ${{input.total}}</p>", text: "{{input.name}}" };
    expect(inputOf(mail({ action: "send", subject: "{{input.name}}", body }))).toEqual({
      to: "ada@example.com",
      subject: "<b>Ada</b>",
      body: { text: "<b>Ada</b>", html: "<p>&lt;b&gt;Ada&lt;/b&gt; & $4317.84</p>" },
    });
  });

  test("takes html beside the other fields", () => {
    expect(inputOf(mail({ html: "{{input.name}}" }))).toEqual({
      to: "ada@example.com",
      body: { html: "&lt;b&gt;Ada&lt;/b&gt;" },
    });
  });

  test("fails if its html is no text, which would not be escaped", () => {
    expect(() => inputOf(mail({ body: { html: "{{input}}" } }))).toThrow(
      "config.body.html: Expected text, received object",
    );
  });

  test.each<[string, Fields, string]>([
    [
      "a body that data decides",
      mail({ body: "{{input.body}}" }),
      'config.body: Expected object, received string "{{input.body}}"',
    ],
    [
      "html that data decides",
      mail({ body: { html: { a: "{{input.body}}" } } }),
      "config.body.html: Expected string, received object",
    ],
    ["no receiver", { type: "email" }, "config.to: Required"],
    [
      "another action",
      mail({ action: "sendTemplate" }),
      'config.action: Must be "send", received "sendTemplate"',
    ],
    [
      "html twice",
      mail({ html: "a", body: { html: "b" } }),
      "config.html: Is given twice: also as config.body.html",
    ],
  ])("refuses %s", (_, fields, issue) => {
    expect(issuesOf(fields)).toEqual([issue]);
  });
});

describe("a step of a later version", () => {
  test.each(["human", "approval", "agent", "waitForEvent"])(
    "%s is accepted with a warning, and fails",
    (type) => {
      const parsed = parse({ type, config: { approvers: ["ada@example.com"], timeout: 5 } });
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
      expect(parsed.warnings).toEqual([
        {
          path: ["steps", 0, "type"],
          message: `Steps of type "${type}" are not in this version of Millrace yet`,
          hint: "a run that comes to this step fails there",
        },
      ]);
      const [step] = compileDefinition(parsed.definition, STEP_KINDS).steps;
      expect(step?.work.request(aScope())).toMatchObject({
        outcome: { status: "failed", failure: { code: "step.unsupported" } },
      });
    },
  );
});

describe("a loop", () => {
  const loopOf = (config: Fields): readonly string[] =>
    issuesOf({ type: "loop", config: { items: [1], steps: ["b"], ...config } });

  test("may not call its variables what is something else elsewhere", () => {
    const taken = "config.itemVariable: The name input is taken";
    expect(loopOf({ itemVariable: "input" })).toContain(taken);
    expect(loopOf({ itemVariable: "index" })).toContain(
      "config.itemVariable: The name index is taken",
    );
    expect(loopOf({ itemVariable: "row", indexVariable: "index" }).join("\n")).not.toContain(
      "taken",
    );
  });
});
