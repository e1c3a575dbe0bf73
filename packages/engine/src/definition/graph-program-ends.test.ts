import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { call, condition, GraphRun, parallel, withSteps } from "../testkit/graph-run.ts";

const begin = (...steps: JsonValue[]): GraphRun => GraphRun.begin(withSteps(...steps), { n: 1 });

/** Half of what a body may get. */
const LARGE = "x".repeat(512 * 1024);

describe("the end of a run", () => {
  test("is at its last open edge, not at its last step", () => {
    const run = begin(
      call("a", { next: ["b", "c"] }),
      call("b"),
      call("c", { next: "d" }),
      call("d"),
    );
    run.complete("a");
    run.complete("c");
    run.complete("d", 4);
    expect(run.ended).toBeNull();
    run.complete("b", 2);
    expect(JSON.stringify(run.output)).toBe('{"b":2,"d":4}');
  });

  test("has the result of one executed end as it is, though there are others that did not run", () => {
    const run = begin(
      condition("c", "input.n > 1", { next: "a", else: "b" }),
      call("a"),
      call("b"),
    );
    run.complete("b", "b");
    expect(run.output).toBe("b");
  });

  test("names several ends by step, in the order of the definition, whichever was the first", () => {
    const run = begin(call("s", { next: ["z", "a"] }), call("z"), call("a"));
    run.complete("s");
    run.complete("a", 1);
    run.complete("z", 2);
    expect(JSON.stringify(run.output)).toBe('{"z":2,"a":1}');
  });

  test("is well if a handler's path ends well", () => {
    const run = begin(call("a", { onError: "h" }), call("h"));
    run.fail("a");
    run.complete("h", "sorry");
    expect(run.output).toBe("sorry");
  });

  test("does not count a step that failed among the ends", () => {
    const run = begin(
      call("s", { next: ["a", "b"] }),
      call("a", { onError: "h" }),
      call("h"),
      call("b"),
    );
    run.complete("s");
    run.fail("a");
    run.complete("h", 1);
    run.complete("b", 2);
    expect(run.output).toEqual({ h: 1, b: 2 });
  });

  test("comes at once where no step has a body", () => {
    const run = begin(
      {
        id: "t",
        type: "transform",
        config: { mapping: { twice: ["{{input.n}}", "{{result.n}}"] } },
      },
      parallel("p"),
    );
    expect(run.output).toEqual({ twice: [1, 1] });
  });

  test("fills the output template, which reads the run, every step and what failed on the way", () => {
    const run = GraphRun.begin(
      {
        ...withSteps(call("a", { next: "b", onError: "h" }), call("b"), call("h")),
        output: {
          result: "{{result}}",
          a: "{{steps.a.status}}",
          h: "{{steps.h.output}}",
          error: "{{error.message}}",
          version: "{{run.version}}",
          none: "{{steps.b.output}}",
          at: "{{now}}",
        },
      },
      { n: 1 },
    );
    run.fail("a");
    run.complete("h", "done");
    expect(run.output).toEqual({
      result: "done",
      a: "failed",
      h: "done",
      error: "boom",
      version: 1,
      at: "1970-01-01T00:00:01.002Z",
    });
  });

  test("fails if the output template cannot be filled", () => {
    const definition = { ...withSteps(call("a")), output: { all: "{{input}}".repeat(40) } };
    const run = GraphRun.begin(definition, LARGE);
    run.complete("a", 1);
    expect(run.failure).toMatchObject({ code: "template.failed", source: "definition" });
    expect(run.failure.message).toMatch(/^output /);
    expect(run.failure.step).toBeUndefined();
  });

  const SCHEMA = {
    type: "object",
    properties: { id: { type: "string" }, kind: { type: "string", default: "invoice" } },
    required: ["id"],
  };

  test("picks the fields of outputSchema from the result, and fills in defaults", () => {
    const run = GraphRun.begin({ ...withSteps(call("a")), outputSchema: SCHEMA });
    run.complete("a", { id: "in_1", secret: 1 });
    expect(run.output).toEqual({ id: "in_1", kind: "invoice" });
  });

  test("checks the output template against outputSchema", () => {
    const definition = {
      ...withSteps(call("a")),
      outputSchema: SCHEMA,
      output: { id: "{{result.id}}" },
    };
    const run = GraphRun.begin(definition);
    run.complete("a", { id: 7 });
    expect(run.failure).toEqual({
      code: "output.invalid",
      message:
        "The run's output does not fit outputSchema at output.id: Expected string, received number",
      source: "definition",
      details: { issues: [{ path: ["id"], message: "Expected string, received number" }] },
    });
  });

  test("names the output itself where it does not fit as a whole", () => {
    const run = GraphRun.begin({ ...withSteps(call("a")), outputSchema: { type: "array" } });
    run.complete("a", 5);
    expect(run.failure.message).toMatch(/does not fit outputSchema at output: Expected array/);
  });
});
