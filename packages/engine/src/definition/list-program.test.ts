import {
  asJsonText,
  newRunId,
  toShard,
  toTimestamp,
  type Failure,
  type JsonValue,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Outcome } from "../core/entry.ts";
import type { Program, Request } from "../core/program.ts";
import { STEP_KINDS } from "../steps/step-kinds.ts";
import { createListProgram } from "./list-program.ts";
import { compileDefinition, parseDefinition } from "./parse-definition.ts";

function programOf(definition: JsonValue, input: JsonValue = { n: 1 }): Program {
  const parsed = parseDefinition(definition, STEP_KINDS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return createListProgram(compileDefinition(parsed.definition, STEP_KINDS), {
    id: newRunId(toTimestamp(1), toShard(1), () => 1),
    input: asJsonText(JSON.stringify(input)),
    // A brand only.
    workflowId: "wf_a" as never,
    workflowVersion: 2,
    trigger: "api",
  });
}

/** `expect.stringMatching` is `any`. */
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

const done = (output: JsonValue): Outcome => ({
  status: "completed",
  output: asJsonText(JSON.stringify(output)),
});

const call = (id: string, config: JsonValue = {}): JsonValue => ({
  id,
  type: "function",
  function: "f",
  config,
});

/** A definition of one condition on the run's input, `{ n: 1 }`, with one step in each branch and one behind. */
const FORK = JSON.parse(`{
  "name": "fork",
  "steps": [
    {
      "id": "c",
      "type": "condition",
      "config": {
        "conditions": { "left": "{{input.n}}", "operator": "eq", "right": 1 },
        "then": ["yes"],
        "else": ["no"]
      }
    },
    { "id": "yes", "type": "function", "function": "f" },
    { "id": "no", "type": "function", "function": "f" },
    {
      "id": "last",
      "type": "function",
      "function": "f",
      "config": { "input": ["{{steps.yes.status}}", "{{steps.no.status}}", "{{steps.last.status}}"] }
    }
  ]
}`) as JsonValue;

function only(requests: readonly Request[]): Request {
  const [request] = requests;
  if (request === undefined || requests.length !== 1) throw new Error("expected one request");
  return request;
}

const keyOf = (requests: readonly Request[]): string | null => {
  const request = only(requests);
  return request.kind === "operation" ? request.key : null;
};

function inputOf(requests: readonly Request[]): JsonValue {
  const request = only(requests);
  if (request.kind !== "operation" || request.body.kind !== "call") throw new Error("no call");
  return JSON.parse(request.body.input) as JsonValue;
}

describe("a list", () => {
  test("gives the run's input to the first step, and each result to the next", () => {
    const program = programOf({ name: "a", steps: [call("a"), call("b")] });
    expect(inputOf(program.begin())).toEqual({ n: 1 });
    expect(inputOf(program.settled("a", done({ m: 2 })))).toEqual({ m: 2 });
  });

  test("ends with the last result if it has no output template", () => {
    const program = programOf({ name: "a", steps: [call("a")] });
    program.begin();
    expect(program.settled("a", done([1]))).toEqual([{ kind: "end", outcome: done([1]) }]);
  });

  test("ends with its output template, which may read every step", () => {
    const program = programOf({
      name: "a",
      steps: [call("a"), call("b")],
      output: { id: "{{steps.a.output.id}}", run: "{{run.version}}", none: "{{result.x}}" },
    });
    program.begin();
    program.settled("a", done({ id: 7 }));
    const outcome = done({ id: 7, run: 2 });
    expect(program.settled("b", done(null))).toEqual([{ kind: "end", outcome }]);
  });

  test("chooses by the journaled answer of a condition, and passes its own input on", () => {
    const program = programOf(FORK);
    expect(keyOf(program.begin())).toBe("c");
    const next = program.settled("c", done({ result: false }));
    expect(keyOf(next)).toBe("no");
    expect(inputOf(next)).toEqual({ n: 1 });
  });

  test("shows templates which steps have run, were skipped, or are still to come", () => {
    const program = programOf(FORK);
    program.begin();
    program.settled("c", done({ result: true }));
    expect(inputOf(program.settled("yes", done(1)))).toEqual(["completed", "skipped", "pending"]);
  });

  test("ends with the result that a last condition passes on", () => {
    const condition = { left: 1, operator: "eq", right: 2 };
    const program = programOf({
      name: "a",
      steps: [call("a"), { id: "c", type: "condition", config: condition }],
    });
    program.begin();
    program.settled("a", done("from a"));
    const end = program.settled("c", done({ result: false }));
    expect(end).toEqual([{ kind: "end", outcome: done("from a") }]);
  });

  test("ends with the failure of a step, which names the step", () => {
    const program = programOf({ name: "a", steps: [call("a"), call("b")] });
    program.begin();
    const failure: Failure = { code: "step.failed", message: "boom", source: "code", attempt: 2 };
    expect(program.settled("a", { status: "failed", failure })).toEqual([
      { kind: "end", outcome: { status: "failed", failure: { ...failure, step: "a" } } },
    ]);
  });

  test("ends with a failure if the engine cancelled the operation", () => {
    const program = programOf({ name: "a", steps: [call("a")] });
    program.begin();
    expect(program.settled("a", { status: "cancelled" })).toMatchObject([
      { outcome: { status: "failed", failure: { code: "step.cancelled", step: "a" } } },
    ]);
  });

  test("asks for an operation that fails if a template cannot be filled", () => {
    const program = programOf({
      name: "a",
      steps: [{ id: "w", type: "wait", config: { duration: "{{input.n}}s" } }],
    });
    expect(program.begin()).toEqual([
      {
        kind: "operation",
        key: "w",
        body: {
          kind: "value",
          outcome: {
            status: "failed",
            failure: {
              code: "template.failed",
              message: matching(/^Step "w": config\.duration: .*received string "1s"/),
              source: "definition",
              step: "w",
            },
          },
        },
      },
    ]);
  });

  test("fails if its output cannot be filled", () => {
    const huge = "x".repeat(1024 * 1024);
    const program = programOf(
      { name: "a", steps: [call("a")], output: { all: "{{input}}".repeat(20) } },
      huge,
    );
    program.begin();
    expect(program.settled("a", done(1))).toMatchObject([
      {
        kind: "end",
        outcome: {
          status: "failed",
          failure: { code: "template.failed", message: matching(/^output grows/) },
        },
      },
    ]);
  });

  test("takes a settlement out of turn for a mistake of ours", () => {
    const program = programOf({ name: "a", steps: [call("a"), call("b")] });
    program.begin();
    expect(() => program.settled("b", done(1))).toThrow(/Invariant/);
  });
});
