import { toTimestamp, type JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { json } from "../testkit/builders.ts";
import {
  call,
  compileWorkflow,
  condition,
  GraphRun,
  parallel,
  withSteps,
  type Fields,
} from "../testkit/graph-run.ts";

const begin = (...steps: JsonValue[]): GraphRun => GraphRun.begin(withSteps(...steps), { n: 1 });

const ANY: Fields = { config: { waitFor: "any" } };

const continuing = (fallback?: JsonValue): Fields => ({
  errorHandling: { strategy: "continue", ...(fallback === undefined ? {} : { fallback }) },
});

/** Half of what a body may get. */
const LARGE = "x".repeat(512 * 1024);

const BOOM = { message: "boom", code: "step.failed", attempts: 1 };

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

describe("a failure", () => {
  test("takes the error edge, whose target gets what failed and what it saw", () => {
    const run = begin(call("a", { next: "b", onError: "h" }), call("b"), call("h", { next: "b" }));
    run.fail("a");
    expect(run.inputOf("h")).toEqual({ error: { ...BOOM, stepId: "a" }, input: { n: 1 } });
    run.complete("h", "mended");
    expect(run.inputOf("b")).toBe("mended");
    run.complete("b", "end");
    expect(run.output).toBe("end");
    expect(run.statuses()).toEqual({ a: "failed", b: "completed", h: "completed" });
  });

  test("takes all error edges, and kills `next` and `else`", () => {
    const run = GraphRun.begin(
      withSteps(
        call("s", { next: "c" }),
        {
          id: "c",
          type: "wait",
          config: { duration: "{{result.ms}}" },
          next: "a",
          onError: ["h", "i"],
        },
        call("a"),
        call("h"),
        call("i"),
      ),
    );
    run.complete("s", { ms: "soon" });
    expect(run.running).toEqual(["h", "i"]);
    expect(run.statuses()["a"]).toBe("skipped");
    run.complete("h", 1);
    run.complete("i", 2);
    expect(run.output).toEqual({ h: 1, i: 2 });
  });

  test("is in scope for the handler and all that follows it, and nowhere else", () => {
    const seen = (id: string, fields: Fields = {}): Fields =>
      call(id, { config: { input: ["{{error.stepId}}", "{{error.message}}"] }, ...fields });
    const run = begin(
      call("s", { next: ["a", "x"] }),
      call("a", { next: "b", onError: "h" }),
      seen("b"),
      seen("h", { next: "i" }),
      seen("i", { next: "j" }),
      seen("x", { next: "j" }),
      seen("j"),
    );
    run.complete("s");
    expect(run.inputOf("x")).toEqual([null, null]);
    run.complete("x");
    run.fail("a");
    expect(run.inputOf("h")).toEqual(["a", "boom"]);
    run.complete("h");
    expect(run.inputOf("i")).toEqual(["a", "boom"]);
    run.complete("i");
    expect(run.inputOf("j")).toEqual(["a", "boom"]);
  });

  test("is the one of the definition's first branch where several meet", () => {
    const run = begin(
      call("s", { next: ["b", "a"] }),
      call("a", { onError: "h" }),
      call("b", { onError: "i" }),
      call("h", { next: "j" }),
      call("i", { next: "j" }),
      call("j", { config: { input: "{{error.stepId}}" } }),
    );
    run.complete("s");
    run.fail("b");
    run.fail("a");
    run.complete("i");
    run.complete("h");
    expect(run.inputOf("j")).toBe("a");
  });

  test("of a handler replaces the one that it handles", () => {
    const run = begin(call("a", { onError: "h" }), call("h", { onError: "i" }), call("i"));
    run.fail("a", "first");
    run.fail("h", "second");
    expect(run.inputOf("i")).toMatchObject({
      error: { message: "second", stepId: "h" },
      input: { error: { message: "first", stepId: "a" } },
    });
  });

  test("joins an ordinary edge into the handler", () => {
    const run = begin(
      call("s", { next: ["a", "b"] }),
      call("a", { onError: "h" }),
      call("b", { next: "h" }),
      call("h"),
    );
    run.complete("s", 0);
    run.complete("b", 1);
    expect(run.running).toEqual(["a"]);
    run.fail("a");
    expect(run.inputOf("h")).toEqual({ a: { error: { ...BOOM, stepId: "a" }, input: 0 }, b: 1 });
  });

  test("of details shows them to the handler", () => {
    const run = begin(call("a", { onError: "h" }), call("h"));
    const failure = {
      code: "http.status",
      message: "404",
      source: "code",
      attempt: 3,
      details: { status: 404 },
    } as const;
    const at = run.now;
    run.tell({
      type: "attempt.failed",
      key: "a",
      attempt: 1,
      failure,
      retryAfterMs: null,
      terminal: true,
      startedAt: at,
      at,
    });
    expect(run.inputOf("h")).toMatchObject({
      error: { code: "http.status", attempts: 3, details: { status: 404 } },
    });
  });

  test("that nothing handles ends the run at once, naming the step", () => {
    const run = begin(
      call("s", { next: ["a", "b", "c"] }),
      call("a"),
      call("b", { next: "d" }),
      call("c"),
      call("d"),
    );
    run.complete("s");
    run.complete("c", "kept");
    run.fail("a");
    expect(run.failure).toMatchObject({ code: "step.failed", message: "boom", step: "a" });
    // Its body was told to stop; what it gives all the same is kept, and nothing follows from it.
    expect(run.effects.at(-1)).toEqual({ type: "stop.bodies" });
    run.complete("b", "late");
    expect(run.ended).toMatchObject({ status: "failed", failure: { step: "a" } });
    expect(run.asked).toEqual(["s", "a", "b", "c"]);
    expect(run.steps().map(({ key, status, output }) => [key, status, output])).toEqual([
      ["s", "completed", null],
      ["a", "failed", null],
      ["b", "completed", "late"],
      ["c", "completed", "kept"],
      ["d", "skipped", null],
    ]);
  });

  test("is the same one in a replay, though another followed while bodies had their grace", () => {
    const definition = withSteps(call("s", { next: ["a", "b"] }), call("a"), call("b"));
    const run = GraphRun.begin(definition);
    run.complete("s");
    run.fail("a", "first");
    run.fail("b", "second");
    expect(run.ended).toMatchObject({ failure: { message: "first" } });
    const again = GraphRun.replay(compileWorkflow(definition), run.state.journal, {});
    expect(again.state.wanted).toEqual(run.ended);
  });

  test("lets nothing begin beside it", () => {
    const run = begin(
      call("s", { next: ["c", "b"] }),
      condition("c", "result.x", { next: "a" }),
      call("a", { config: { input: "{{result}}" } }),
      { id: "b", type: "wait", config: { duration: "{{result.ms}}" }, next: "d" },
      call("d"),
    );
    run.complete("s", { x: true, ms: "never" });
    expect(run.failure).toMatchObject({ code: "template.failed", step: "b" });
    expect(run.asked).not.toContain("d");
  });

  test("by the engine's own hand has words of its own", () => {
    const program = compileWorkflow(withSteps(call("a"))).create(begin(call("a")).state.head);
    program.begin();
    expect(program.settled("a", { status: "cancelled" }, toTimestamp(5))).toMatchObject([
      {
        kind: "end",
        outcome: { status: "failed", failure: { code: "step.cancelled", step: "a" } },
      },
    ]);
  });
});

describe("a step that continues on failure", () => {
  test.each<[string, JsonValue | undefined, JsonValue]>([
    ["null", undefined, null],
    ["a value", { items: [] }, { items: [] }],
    ["a template of what the step saw", { was: "{{result.n}}" }, { was: 1 }],
    ["null for a path that leads nowhere", "{{result.nowhere}}", null],
  ])("gives %s, and counts as completed for what follows", (_, fallback, expected) => {
    const run = begin(
      call("a", { next: "b", onError: "h", ...continuing(fallback) }),
      call("b", { config: { input: ["{{result}}", "{{steps.a.status}}", "{{steps.a.output}}"] } }),
      call("h"),
    );
    run.fail("a");
    expect(run.inputOf("b")).toEqual([expected, "completed", expected]);
    expect(run.asked).not.toContain("h");
    expect(run.statuses()).toMatchObject({ a: "failed", b: "running", h: "skipped" });
  });

  test("shows its failure and its fallback", () => {
    const run = begin(call("a", continuing({ n: 0 })));
    run.fail("a");
    expect(run.output).toEqual({ n: 0 });
    expect(run.steps()[0]).toMatchObject({
      status: "failed",
      output: { n: 0 },
      failure: { message: "boom", step: "a" },
    });
  });

  test("does not show an error to what follows", () => {
    const run = begin(
      call("a", continuing()),
      call("b", { config: { input: ["{{error.message}}"] } }),
    );
    run.fail("a");
    expect(run.inputOf("b")).toEqual([null]);
  });

  test("is false for a condition, which goes on with what it got", () => {
    const run = begin(
      call("s", { next: "c" }),
      condition("c", "result.text.includes(result.part)", {
        next: "a",
        else: "b",
        ...continuing({ result: "no matter" }),
      }),
      call("a"),
      call("b"),
    );
    run.complete("s", { text: "x", part: { n: 1 } });
    expect(run.asked).toContain("b");
    expect(run.inputOf("b")).toEqual({ text: "x", part: { n: 1 } });
  });

  test("fails after all if its fallback cannot be filled", () => {
    const steps = withSteps(
      call("a", { onError: "h", ...continuing({ all: "{{input}}".repeat(40) }) }),
      call("h"),
    );
    const run = GraphRun.begin(steps, LARGE);
    run.fail("a");
    expect(run.inputOf("h")).toMatchObject({ error: { code: "template.failed", stepId: "a" } });
    expect(run.statuses()).toEqual({ a: "failed", h: "running" });
  });
});

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

describe("a list", () => {
  const fork = (id: string, then: string[], otherwise: string[] = []): Fields =>
    condition(id, "input.n == 1", { then, else: otherwise });

  test("runs the branch that its condition chose, then what follows, and shows what was skipped", () => {
    const run = begin(
      fork("c", ["yes"], ["no"]),
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

  test("takes a settlement of what it did not ask for, or has heard of, for a mistake of ours", () => {
    const { program } = begin(call("a"), call("b"));
    const outcome = { status: "completed", output: json(1) } as const;
    expect(() => program.settled("b", outcome, toTimestamp(5))).toThrow(/Invariant/);
    program.settled("a", outcome, toTimestamp(5));
    expect(() => program.settled("a", outcome, toTimestamp(6))).toThrow(/Invariant/);
  });
});
