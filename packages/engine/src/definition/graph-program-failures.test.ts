import { toTimestamp, type JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  call,
  compileWorkflow,
  condition,
  GraphRun,
  withSteps,
  type Fields,
} from "../testkit/graph-run.ts";

const begin = (...steps: JsonValue[]): GraphRun => GraphRun.begin(withSteps(...steps), { n: 1 });

/** Half of what a body may get. */
const LARGE = "x".repeat(512 * 1024);

const BOOM = { message: "boom", code: "step.failed", attempts: 1 };

const continuing = (fallback?: JsonValue): Fields => ({
  errorHandling: { strategy: "continue", ...(fallback === undefined ? {} : { fallback }) },
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

  test("keeps a step from beginning that was asked for beside it", () => {
    const wrong = { id: "w", type: "wait", config: { duration: "{{result.ms}}" } };
    const run = begin(call("s", { next: ["w", "b"] }), wrong, call("b"));
    run.complete("s", { ms: "soon" });
    expect(run.failure).toMatchObject({ code: "template.failed", step: "w" });
    expect(run.ended).toMatchObject({ status: "failed" });
    expect(run.effects.map((effect) => "key" in effect && effect.key)).toEqual(["s"]);
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
