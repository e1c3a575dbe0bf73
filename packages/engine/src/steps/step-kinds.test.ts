import {
  MAX_DURATION_MS,
  MAX_FAILURE_BYTES,
  type Failure,
  type JsonValue,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { OperationBody } from "../core/program.ts";
import { compileDefinition, parseDefinition } from "../definition/parse-definition.ts";
import type { PlanStep } from "../definition/plan.ts";
import { aScope } from "../testkit/a-scope.ts";
import { STEP_KINDS } from "./step-kinds.ts";

const INPUT = {
  ms: 5_000,
  text: "5000",
  days: "2030-01-01",
  epoch: 1_900_000_000_000,
  negative: -1,
  huge: 1e300,
  list: [1],
};

type Fields = Readonly<Record<string, JsonValue>>;

function parse(type: string, config: Fields, fields: Fields): ReturnType<typeof parseDefinition> {
  return parseDefinition({ name: "a", steps: [{ id: "a", type, config, ...fields }] }, STEP_KINDS);
}

function stepOf(type: string, config: Fields): PlanStep {
  const parsed = parse(type, config, {});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const [step] = compileDefinition(parsed.definition, STEP_KINDS).steps;
  if (step === undefined) throw new Error("no step");
  return step;
}

function bodyOf(type: string, config: Fields): OperationBody {
  return stepOf(type, config).work.request(aScope({ input: INPUT }));
}

function issuesOf(type: string, config: Fields, fields: Fields = {}): readonly string[] {
  const parsed = parse(type, config, fields);
  return parsed.ok
    ? []
    : parsed.issues.map(({ path, message }) => `${path.slice(2).join(".")}: ${message}`);
}

describe("a wait", () => {
  test.each<[string, Fields, object]>([
    ["a number of milliseconds", { duration: 60_000 }, { afterMs: 60_000 }],
    ["no time at all", { duration: 0 }, { afterMs: 0 }],
    ["a hundred years", { duration: MAX_DURATION_MS }, { afterMs: MAX_DURATION_MS }],
    ["a path to a number", { duration: "{{input.ms}}" }, { afterMs: 5_000 }],
    ["a path to a number as text", { duration: "{{input.text}}" }, { afterMs: 5_000 }],
    ["text around a path that makes a number", { duration: "{{input.ms}}0" }, { afterMs: 50_000 }],
    ["an instant as text", { until: "2030-01-01T00:00:00Z" }, { at: Date.UTC(2030, 0, 1) }],
    ["an instant as a number", { until: 1_900_000_000_000 }, { at: 1_900_000_000_000 }],
    ["a path to an instant", { until: "{{input.days}}" }, { at: Date.UTC(2030, 0, 1) }],
    ["a path to an instant as a number", { until: "{{input.epoch}}" }, { at: 1_900_000_000_000 }],
    [
      "text that makes an instant",
      { until: "{{input.days}}T09:00:00Z" },
      { at: Date.UTC(2030, 0, 1, 9) },
    ],
  ])("takes %s", (_, config, due) => {
    expect(bodyOf("wait", config)).toEqual({ kind: "timer", due });
  });

  test.each<[string, Fields, string]>([
    ["nothing to wait for", {}, "config.duration: Required"],
    [
      "two things to wait for",
      { duration: 1, until: 1 },
      "config.until: Stands beside `duration`; a wait has one of them",
    ],
    [
      "a negative duration",
      { duration: -1 },
      `config.duration: Must be a number from 0 to ${MAX_DURATION_MS}, received -1`,
    ],
    [
      "an absurd duration",
      { duration: 1e20 },
      `config.duration: Must be a number from 0 to ${MAX_DURATION_MS}, received 100000000000000000000`,
    ],
    [
      "an endless duration",
      { duration: Infinity },
      "config.duration: Expected milliseconds as a number, received number Infinity",
    ],
    [
      "NaN",
      { duration: NaN },
      "config.duration: Expected milliseconds as a number, received number NaN",
    ],
    [
      "a duration with a unit",
      { duration: "5m" },
      'config.duration: Expected milliseconds as a number, received string "5m"',
    ],
    [
      "an object as duration",
      { duration: { seconds: 5 } },
      "config.duration: Expected milliseconds as a number, received object",
    ],
    [
      "an instant before 1970",
      { until: -1 },
      "config.until: Expected an instant (ISO 8601 or epoch ms), received number -1",
    ],
    [
      "no instant",
      { until: "tomorrow" },
      'config.until: Expected an instant (ISO 8601 or epoch ms), received string "tomorrow"',
    ],
    [
      "an instant after the last",
      { until: 9e15 },
      "config.until: Expected an instant (ISO 8601 or epoch ms), received number 9000000000000000",
    ],
  ])("refuses %s", (_, config, issue) => {
    expect(issuesOf("wait", config)).toEqual([issue]);
  });

  test("says how to write a duration that has a unit", () => {
    const parsed = parse("wait", { duration: "5m" }, {});
    expect(parsed.ok ? [] : parsed.issues).toMatchObject([{ hint: "write 300000" }]);
  });

  test.each<[string, Fields, RegExp]>([
    ["leads nowhere", { duration: "{{input.none}}" }, /^config\.duration: Leads nowhere/],
    ["is negative", { duration: "{{input.negative}}" }, /^config\.duration: .*received -1/],
    ["is absurd", { duration: "{{input.huge}}" }, /^config\.duration: .*received 1e\+300/],
    ["is a list", { duration: "{{input.list}}" }, /^config\.duration: .*received array/],
    ["is no instant", { until: "{{input.negative}}" }, /^config\.until: .*received number -1/],
  ])("fails when it begins if its template %s", (_, config, message) => {
    expect(() => bodyOf("wait", config)).toThrow(message);
  });
});

describe("a subworkflow", () => {
  test.each<[string, Fields, string]>([
    ["the previous result", { workflow: "w" }, JSON.stringify(INPUT)],
    ["its input template", { workflow: "w", input: { n: "{{input.ms}}" } }, '{"n":5000}'],
    ["null if its template leads nowhere", { workflow: "w", input: "{{input.none}}" }, "null"],
  ])("gives its child %s", (_, config, input) => {
    expect(bodyOf("subworkflow", config)).toEqual({ kind: "child", workflow: "w", input });
  });

  test.each<[string, Fields, Fields, string]>([
    ["no workflow", {}, {}, "config.workflow: Required"],
    ["an empty workflow", { workflow: "" }, {}, "config.workflow: Must not be empty"],
    [
      "a template as workflow",
      { workflow: "{{input.w}}" },
      {},
      "config.workflow: Is a fixed id or slug; a template is not read here",
    ],
    [
      "retries, which would be ignored",
      { workflow: "w" },
      { retries: 2 },
      "retries: A subworkflow runs once, however long that takes",
    ],
    [
      "a timeout, which would be ignored",
      { workflow: "w", timeout: 5 },
      {},
      "config.timeout: A subworkflow runs once, however long that takes",
    ],
  ])("refuses %s", (_, config, fields, issue) => {
    expect(issuesOf("subworkflow", config, fields)).toEqual([issue]);
  });

  const explain = (failure: Failure): Failure => {
    const step = stepOf("subworkflow", { workflow: "w" });
    const explained = step.work.explain?.({ status: "failed", failure });
    if (explained === undefined) throw new Error("no explanation");
    return explained;
  };
  const bytesOf = (failure: Failure): number => Buffer.byteLength(JSON.stringify(failure));
  const BOOM: Failure = { code: "step.failed", message: "boom", source: "code", step: "x" };

  test("fails with its child, and keeps the cause", () => {
    const cause = { ...BOOM, stack: "at f", details: { x: 1 }, cause: BOOM };
    expect(explain(cause)).toEqual({
      code: "child.failed",
      message: 'Subworkflow "w" failed: boom',
      source: "code",
      cause,
    });
  });

  test("fails if its child was cancelled", () => {
    const step = stepOf("subworkflow", { workflow: "w" });
    expect(step.work.explain?.({ status: "cancelled" })).toEqual({
      code: "child.cancelled",
      message: 'Subworkflow "w" was cancelled',
      source: "code",
    });
  });

  test("drops stacks first where the whole would be too large", () => {
    const failure = explain({ ...BOOM, stack: "s".repeat(MAX_FAILURE_BYTES), cause: BOOM });
    expect(failure.cause).toEqual({ ...BOOM, cause: BOOM });
  });

  test("drops the causes of the cause next, and the end of its message last", () => {
    const long = { ...BOOM, message: "é".repeat(5_000) };
    expect(explain({ ...long, cause: long }).cause).toEqual(long);
    const endless = explain({ ...BOOM, message: "é".repeat(MAX_FAILURE_BYTES) });
    expect(endless.cause?.message).toHaveLength(1_001);
  });

  test("stays within the size of a failure however deep runs fail through each other", () => {
    let failure: Failure = { ...BOOM, message: "ü".repeat(3_000), stack: "s".repeat(4_000) };
    for (let depth = 0; depth < 64; depth++) {
      failure = { ...explain(failure), step: "a".repeat(255) };
      expect(bytesOf(failure)).toBeLessThanOrEqual(MAX_FAILURE_BYTES);
    }
    expect(failure.code).toBe("child.failed");
    expect(failure.cause?.code).toBe("child.failed");
  });
});
