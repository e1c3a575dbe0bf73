import { toTimestamp, type JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aHead, json } from "../testkit/builders.ts";
import {
  call,
  compileWorkflow,
  condition,
  fork,
  GraphRun,
  parallel,
  withSteps,
  type Fields,
} from "../testkit/graph-run.ts";
import { GraphProgram } from "./graph-program.ts";
import { compileDefinition } from "./parse-definition.ts";
import type { StepKind } from "./step-kind.ts";

const begin = (...steps: JsonValue[]): GraphRun => GraphRun.begin(withSteps(...steps), { n: 1 });

const ANY: Fields = { config: { waitFor: "any" } };

describe("the result that a step sees", () => {
  test("is the run's input, then what the step before gave", () => {
    const run = begin(call("a"), call("b"));
    expect(run.inputOf("a")).toEqual({ n: 1 });
    run.complete("a", [2]);
    expect(run.inputOf("b")).toEqual([2]);
    run.complete("b", 3);
    expect(run.output).toBe(3);
  });

  test("goes through conditions, parallel steps and skipped guards as it came", () => {
    const run = begin(
      call("a", { next: "c" }),
      condition("c", "result.n > 1", { next: "p" }),
      parallel("p", { next: "g" }),
      call("g", { condition: "result.n > 5", next: "z" }),
      call("z"),
    );
    run.complete("a", { n: 2 });
    expect(run.inputOf("z")).toEqual({ n: 2 });
    expect(run.asked).toEqual(["a", "c", "p", "z"]);
  });

  test("is an object by step where several edges were taken, in the order of the definition", () => {
    const run = begin(
      call("s", { next: ["b", "a", "c"] }),
      call("a", { next: "join" }),
      condition("c", "true", { next: "join" }),
      call("b", { next: "join" }),
      call("join"),
    );
    run.complete("s", "s");
    run.complete("b", "of b");
    run.complete("a", "of a");
    expect(JSON.stringify(run.inputOf("join"))).toBe('{"a":"of a","c":"s","b":"of b"}');
  });

  test("is not wrapped where only one of several edges was taken", () => {
    const run = begin(
      condition("c", "input.n == 1", { next: "a", else: "b" }),
      call("a", { next: "join" }),
      call("b", { next: "join" }),
      call("join"),
    );
    run.complete("a", 7);
    expect(run.inputOf("join")).toBe(7);
  });

  test("is an ordinary one, also for a key like those of prototypes", () => {
    const run = begin(
      call("s", { next: ["__proto__", "constructor"] }),
      call("__proto__", { next: "join" }),
      call("constructor", { next: "join" }),
      call("join"),
    );
    run.complete("s");
    run.complete("__proto__", 1);
    run.complete("constructor", 2);
    expect(Object.entries(run.inputOf("join") ?? {})).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
  });
});

describe("the status of a step", () => {
  test("is pending until it begins or is skipped", () => {
    const seen = ["s", "a", "b", "j", "skipped"].map((id) => `{{steps.${id}.status}}`);
    const run = begin(
      call("s", { next: ["c", "a", "b"] }),
      condition("c", "false", { next: "skipped" }),
      call("skipped"),
      call("a", { next: ["j", "x"] }),
      call("b", { next: "j" }),
      call("x", { config: { input: seen } }),
      call("j"),
    );
    run.complete("s");
    run.complete("a");
    expect(run.inputOf("x")).toEqual(["completed", "completed", "running", "pending", "skipped"]);
  });

  test("of a step whose name is computed is pending if there is none", () => {
    const steps = withSteps(
      condition("c", "steps[input.which].status == 'pending'", { next: "a", else: "b" }),
      call("a"),
      call("b"),
    );
    expect(GraphRun.begin(steps, { which: "c" }).running).toEqual(["b"]);
    expect(GraphRun.begin(steps, { which: "a" }).running).toEqual(["a"]);
    expect(GraphRun.begin(steps, { which: "nobody" }).running).toEqual(["a"]);
  });
});

describe("a join", () => {
  test("begins once, when the last of its edges is taken", () => {
    const run = begin(
      call("s", { next: ["a", "b", "c"] }),
      call("a", { next: "j" }),
      call("b", { next: "j" }),
      call("c", { next: "j" }),
      call("j"),
    );
    run.complete("s");
    run.complete("c");
    run.complete("a");
    expect(run.asked).not.toContain("j");
    run.complete("b");
    expect(run.running).toEqual(["j"]);
  });

  test("begins when the edges that are not taken are dead, whichever are the last", () => {
    const steps = [
      call("s", { next: ["a", "c"] }),
      call("a", { next: "j" }),
      condition("c", "result.goes", { next: "b" }),
      call("b", { next: "j" }),
      call("j"),
    ];
    const early = begin(...steps);
    early.complete("s", { goes: false });
    early.complete("a", 1);
    expect(early.inputOf("j")).toBe(1);

    const late = begin(
      call("s", { next: ["a", "b"] }),
      call("a", { next: "j" }),
      call("b", { next: "c" }),
      condition("c", "result.goes", { next: "j" }),
      call("j"),
    );
    late.complete("s");
    late.complete("a", 1);
    expect(late.running).toEqual(["b"]);
    late.complete("b", { goes: false });
    expect(late.inputOf("j")).toBe(1);
  });

  test("is skipped when all of its edges are dead, and so is what only it leads to", () => {
    const run = begin(
      condition("c", "input.n > 1", { next: ["a", "b"] }),
      call("a", { next: "j" }),
      call("b", { next: "j" }),
      call("j", { next: "k", onError: "h" }),
      call("k"),
      call("h"),
    );
    expect(run.output).toEqual({ n: 1 });
    expect(run.statuses()).toEqual({
      c: "completed",
      a: "skipped",
      b: "skipped",
      j: "skipped",
      k: "skipped",
      h: "skipped",
    });
  });

  test("does not wait for the handler of a step that is skipped", () => {
    const run = begin(
      call("s", { next: ["c", "b"] }),
      condition("c", "false", { next: "a" }),
      call("a", { onError: "j" }),
      call("b", { next: "j" }),
      call("j"),
    );
    run.complete("s");
    run.complete("b", 1);
    expect(run.inputOf("j")).toBe(1);
  });

  test("waits for a branch that is longer, through steps that are skipped", () => {
    const run = begin(
      condition("c", "input.n > 1", { next: "x", else: ["a", "j"] }),
      call("x", { next: "y" }),
      call("y", { next: "j" }),
      call("a", { next: "j" }),
      call("j"),
    );
    expect(run.running).toEqual(["a"]);
    run.complete("a", 5);
    expect(run.inputOf("j")).toEqual({ c: { n: 1 }, a: 5 });
  });

  test("takes an edge of one step for two reasons as one field", () => {
    const run = begin(
      condition("c", "input.n > 1", { next: "a", else: "a", onError: "a" }),
      call("a"),
    );
    expect(run.inputOf("a")).toEqual({ n: 1 });
  });

  test("does not wait for steps that never run", () => {
    const run = begin(call("a", { next: "b" }), call("lost", { next: "b" }), call("b"));
    run.complete("a", 1);
    expect(run.inputOf("b")).toBe(1);
    run.complete("b", 2);
    expect(run.output).toBe(2);
    expect(run.statuses()).toEqual({ a: "completed", lost: "skipped", b: "completed" });
  });
});

describe("the join below a parallel step that waits for any", () => {
  const race = (): GraphRun =>
    begin(
      parallel("p", { next: ["a", "b", "c"], ...ANY }),
      call("a", { next: "j" }),
      call("b", { next: "j" }),
      call("c", { next: "j", onError: "j" }),
      call("j"),
    );

  test("begins at the first taken edge, with its result alone", () => {
    const run = race();
    run.complete("b", 2);
    expect(run.inputOf("j")).toBe(2);
  });

  test("begins once, and the run waits for the other branches", () => {
    const run = race();
    run.complete("b", 2);
    run.complete("j", "end");
    expect(run.ended).toBeNull();
    run.complete("a", 1);
    run.fail("c");
    expect(run.output).toBe("end");
    expect(run.asked).toEqual(["p", "a", "b", "c", "j"]);
  });

  test("begins once, while it runs", () => {
    const run = race();
    run.complete("a");
    run.complete("b");
    run.complete("c");
    expect(run.running).toEqual(["j"]);
  });

  test("does not begin at a dead edge, and is skipped when all are dead", () => {
    const run = begin(
      parallel("p", { next: ["a", "b"], ...ANY }),
      condition("a", "result.n > 1", { next: "j" }),
      call("b", { next: "c" }),
      condition("c", "result.n > 1", { next: "j" }),
      call("j"),
    );
    expect(run.running).toEqual(["b"]);
    run.complete("b", { n: 0 });
    expect(run.statuses()["j"]).toBe("skipped");
    expect(run.output).toEqual({ a: { n: 1 }, c: { n: 0 } });
  });

  test("passes the other branches' ends on beside its own", () => {
    const run = begin(
      parallel("p", { next: ["a", "b"], ...ANY }),
      call("a", { next: ["j", "x"] }),
      call("b", { next: "j" }),
      call("j"),
      call("x"),
    );
    run.complete("b", 0);
    run.complete("j", 1);
    run.complete("a", 2);
    run.complete("x", 3);
    expect(run.output).toEqual({ j: 1, x: 3 });
  });
});

describe("a condition", () => {
  test("takes all of `next` when it is true, and all of `else` when it is false", () => {
    const steps = [
      condition("c", "input.n > 1", { next: ["a", "b"], else: ["x", "y"] }),
      call("a"),
      call("b"),
      call("x"),
      call("y"),
    ];
    expect(GraphRun.begin(withSteps(...steps), { n: 2 }).running).toEqual(["a", "b"]);
    expect(GraphRun.begin(withSteps(...steps), { n: 1 }).running).toEqual(["x", "y"]);
  });

  test("ends the path if it is false and has no `else`", () => {
    const run = begin(
      call("a", { next: "c" }),
      condition("c", "result > 5", { next: "b" }),
      call("b"),
    );
    run.complete("a", 5);
    expect(run.output).toBe(5);
    expect(run.statuses()).toEqual({ a: "completed", c: "completed", b: "skipped" });
  });

  test("chooses by its journaled answer", () => {
    const definition = withSteps(
      condition("c", "true", { next: "a", else: "b" }),
      call("a"),
      call("b"),
    );
    const at = toTimestamp(5);
    const times = { position: 0, startedAt: at, endedAt: at };
    const output = json({ result: false });
    const entry = { kind: "result", key: "c", attempt: 1, output, ...times } as const;
    const run = GraphRun.replay(compileWorkflow(definition), [entry], {});
    expect(run.asked).toEqual(["c", "b"]);
  });
});

describe("a guard", () => {
  test("that is true changes nothing", () => {
    expect(begin(call("a", { condition: "input.n == 1" })).running).toEqual(["a"]);
  });

  test("that is false skips the step, takes its `next` and lets its handlers die", () => {
    const run = begin(
      call("a", { condition: "input.n > 1", next: ["b", "c"], onError: "h" }),
      call("b"),
      call("c"),
      call("h", { next: "c" }),
    );
    expect(run.running).toEqual(["b", "c"]);
    expect(run.statuses()).toMatchObject({ a: "skipped", h: "skipped" });
  });

  test("that is false is an end where nothing follows", () => {
    const run = begin(
      call("a", { next: ["b", "c"] }),
      call("b"),
      call("c", { condition: "result > 3" }),
    );
    run.complete("a", 1);
    run.complete("b", 2);
    expect(run.output).toEqual({ b: 2, c: 1 });
  });

  test("reads what the step would see", () => {
    const run = begin(
      call("a", { onError: "h" }),
      call("h", {
        condition: "error.message == 'boom' && result.input.n == 1 && steps.a.status == 'failed'",
      }),
    );
    run.fail("a");
    expect(run.running).toEqual(["h"]);
  });

  test("that cannot be evaluated fails the step, whose handler hears of it", () => {
    const run = GraphRun.begin(
      withSteps(call("a", { condition: "10 / input.n > 1", onError: "h" }), call("h")),
      { n: 0 },
    );
    expect(run.inputOf("h")).toMatchObject({
      error: {
        message: 'Step "a": The expression 10 / input.n > 1: divides by zero',
        code: "template.failed",
        stepId: "a",
      },
      input: { n: 0 },
    });
    expect(run.statuses()).toEqual({ a: "failed", h: "running" });
  });
});

describe("a list", () => {
  test("runs the branch that its condition chose, then what follows, and shows what was skipped", () => {
    const run = begin(
      fork("c", { yes: ["yes"], no: ["no"] }, "input.n == 1"),
      call("yes"),
      call("no"),
      call("last", {
        config: { input: ["{{steps.yes.status}}", "{{steps.no.status}}", "{{steps.last.status}}"] },
      }),
    );
    run.complete("yes", 1);
    // A step has begun when it is asked what it needs.
    expect(run.inputOf("last")).toEqual(["completed", "skipped", "running"]);
  });

  test("runs branches of a parallel step beside each other, each in order, then what follows once", () => {
    const run = begin(
      parallel("p", { config: { branches: ["a", ["b", "c"]] } }),
      call("a"),
      call("b"),
      call("c"),
      call("last"),
    );
    expect(run.running).toEqual(["a", "b"]);
    run.complete("a", 1);
    run.complete("b", 2);
    expect(run.inputOf("c")).toBe(2);
    run.complete("c", 3);
    expect(run.inputOf("last")).toEqual({ a: 1, c: 3 });
  });

  test("runs a handler only if its step fails, and nothing after it", () => {
    const steps = [call("a", { onError: ["h", "i"] }), call("h"), call("i"), call("b")];
    const good = begin(...steps);
    good.complete("a", 1);
    expect(good.running).toEqual(["b"]);
    const bad = begin(...steps);
    bad.fail("a");
    bad.complete("h", 2);
    bad.complete("i", 3);
    expect(bad.output).toBe(3);
    expect(bad.statuses()).toEqual({ a: "failed", h: "completed", i: "completed", b: "skipped" });
  });

  test("fails the step whose template cannot be filled, by an operation that fails", () => {
    const run = GraphRun.begin(
      withSteps({ id: "w", type: "wait", config: { duration: "{{input.n}}s" } }),
      { n: 1 },
    );
    expect(run.body("w")).toMatchObject({
      kind: "value",
      outcome: {
        status: "failed",
        failure: { code: "template.failed", source: "definition", step: "w" },
      },
    });
    expect(run.failure.message).toMatch(/^Step "w": config\.duration: .*received string "1s"/);
  });
});

describe("a program", () => {
  test("sees the time of the settlement that let a step begin", () => {
    const at = { config: { input: "{{now}}" } };
    const run = begin(call("a", { next: "b", ...at }), call("b", at));
    expect(run.inputOf("a")).toBe("1970-01-01T00:00:01.000Z");
    run.complete("a");
    expect(run.inputOf("b")).toBe("1970-01-01T00:00:01.001Z");
  });

  test("takes an error that is none of a template's for a mistake of ours", () => {
    const broken: StepKind = {
      type: "broken",
      compile: () => ({
        request() {
          throw new TypeError("not thought of");
        },
      }),
    };
    const definition = { name: "a", steps: [{ id: "a", type: "broken" }] };
    const plan = compileDefinition(definition, new Map([["broken", broken]]));
    const program = new GraphProgram(plan, aHead(), {});
    expect(() => program.begin()).toThrow(TypeError);
  });

  test("takes a settlement of what it did not ask for, or has heard of, for a mistake of ours", () => {
    const { program } = begin(call("a"), call("b"));
    const outcome = { status: "completed", output: json(1) } as const;
    expect(() => program.settled("b", outcome, toTimestamp(5))).toThrow(/Invariant/);
    program.settled("a", outcome, toTimestamp(5));
    expect(() => program.settled("a", outcome, toTimestamp(6))).toThrow(/Invariant/);
  });
});
