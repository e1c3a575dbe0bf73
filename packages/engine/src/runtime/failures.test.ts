import {
  ActionError,
  MAX_FAILURE_BYTES,
  RetryAfterError,
  TerminalError,
  type Failure,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { engineFailure, fromThrown } from "./failures.ts";

const failureOf = (thrown: unknown): Failure => fromThrown(thrown, "charge", 2).failure;
const bytesOf = (failure: Failure): number => Buffer.byteLength(JSON.stringify(failure));

function withStack(error: Error, stack: string): Error {
  return Object.assign(error, { stack });
}

/** Whatever is asked of it throws something that cannot even be printed. */
function hostile(): object {
  const refuse = (): never => {
    throw Object.create(null);
  };
  return new Proxy(
    {},
    { get: refuse, has: refuse, ownKeys: refuse, getPrototypeOf: refuse, set: refuse },
  );
}

describe("fromThrown", () => {
  test("keeps message, class, stack, details and cause of an error", () => {
    const cause = new RangeError("too far");
    const error = Object.assign(new TypeError("no total", { cause }), { details: { order: 7 } });
    expect(failureOf(error)).toEqual({
      code: "step.failed",
      message: "no total",
      source: "code",
      step: "charge",
      attempt: 2,
      name: "TypeError",
      stack: error.stack,
      details: { order: 7 },
      cause: {
        code: "step.failed",
        message: "too far",
        source: "code",
        name: "RangeError",
        stack: cause.stack,
      },
    });
  });

  test.each<[string, unknown, string]>([
    ["undefined", undefined, "The step threw undefined"],
    ["null", null, "The step threw null"],
    ["a string", "no\nmore", 'The step threw "no\\nmore"'],
    ["an empty string", "", 'The step threw ""'],
    ["a number", Number.NaN, "The step threw NaN"],
    ["a BigInt", 7n, "The step threw 7"],
    ["a symbol", Symbol("s"), "The step threw Symbol(s)"],
    ["an object", { status: 500 }, 'The step threw {"status":500}'],
    ["an array", [1], "The step threw [1]"],
    ["an object that is no JSON", { id: 1n }, "The step threw an object"],
    ["an object without prototype", Object.create(null), "The step threw {}"],
    ["an error without message", withStack(new Error(), ""), "The step threw {}"],
    ["an error whose message is no text", { message: 5 }, 'The step threw {"message":5}'],
  ])("says what was thrown when it is %s", (_, thrown, message) => {
    const { failure, retryAfterMs, terminal } = fromThrown(thrown, "charge", 2);
    expect(failure).toMatchObject({ code: "step.failed", message, source: "code", attempt: 2 });
    expect([retryAfterMs, terminal]).toEqual([null, false]);
  });

  test("describes an object whose getters throw by what can be read", () => {
    const refuse = {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    };
    const thrown = Object.defineProperties(new Error("kept"), {
      stack: refuse,
      cause: refuse,
      name: refuse,
      details: refuse,
      retryable: refuse,
    });
    expect(failureOf(thrown)).toEqual({
      code: "step.failed",
      message: "kept",
      source: "code",
      step: "charge",
      attempt: 2,
    });
  });

  test.each<[string, unknown]>([
    ["a proxy that refuses everything", hostile()],
    ["an error whose cause refuses everything", new Error("outer", { cause: hostile() })],
    ["a function that cannot be printed", Object.assign(() => 1, { toString: () => hostile() })],
    [
      "details that cannot be read twice",
      Object.assign(new Error("once"), {
        details: {
          count: 0,
          toJSON(this: { count: number }) {
            if (this.count++ > 0) throw Object.create(null);
            return { a: 1 };
          },
        },
      }),
    ],
  ])("makes a failure of %s", (_, thrown) => {
    const failure = failureOf(thrown);
    expect(failure).toMatchObject({ code: "step.failed", source: "code", step: "charge" });
    expect(failure.message.length).toBeGreaterThan(0);
    expect(bytesOf(failure)).toBeLessThanOrEqual(MAX_FAILURE_BYTES);
  });

  test("follows a chain of causes for five links, also when it is a circle", () => {
    const circle: { message: string; cause?: unknown } = { message: "circle" };
    circle.cause = circle;
    let chain: unknown = { message: "root" };
    for (let i = 0; i < 20; i++) chain = { message: `link ${i}`, cause: chain };
    for (const thrown of [circle, chain]) {
      let links = 0;
      for (let at = failureOf(thrown).cause; at !== undefined; at = at.cause) links++;
      expect(links).toBe(5);
    }
  });

  test.each<[string, () => unknown]>([
    ["a message of 10 MB", () => new Error("x".repeat(10_000_000))],
    ["a message of 10 MB in three-byte characters", () => new Error("€".repeat(3_333_333))],
    ["message and stack of 3,000 three-byte characters each", () => new Error("€".repeat(3_000))],
    ["a message of control characters", () => new Error("\u0001".repeat(100_000))],
    ["a message of lone surrogates", () => new Error("\uD800".repeat(100_000))],
    ["a stack of 10 MB", () => withStack(new Error("a"), "s".repeat(10_000_000))],
    ["a name of 10 MB", () => Object.assign(new Error("a"), { name: "n".repeat(10_000_000) })],
    [
      "details of 10 MB",
      () => Object.assign(new Error("a"), { details: ["d".repeat(10_000_000)] }),
    ],
    ["an object of 10 MB that is no error", () => ({ body: "b".repeat(10_000_000) })],
    ["a string of 10 MB", () => "t".repeat(10_000_000)],
    [
      "a long chain of large causes",
      () => {
        let error = new Error("€".repeat(4_000));
        for (let i = 0; i < 1_000; i++) error = new Error("€".repeat(4_000), { cause: error });
        return error;
      },
    ],
    [
      "large everything",
      () =>
        Object.assign(withStack(new Error("\u0000".repeat(5_000)), "\u0000".repeat(5_000)), {
          name: "\u0000".repeat(5_000),
          details: "\u0000".repeat(5_000),
          cause: "\u0000".repeat(5_000),
        }),
    ],
  ])("keeps a failure within 16 KiB: %s", (_, make) => {
    const failure = failureOf(make());
    expect(bytesOf(failure)).toBeLessThanOrEqual(MAX_FAILURE_BYTES);
    expect(failure.message.length).toBeGreaterThan(0);
    expect(failure.message.isWellFormed()).toBe(true);
  });

  test("says that a message was cut, and how long it was", () => {
    expect(failureOf(new Error("x".repeat(5_000))).message).toMatch(
      /^x+… \(cut, 5000 characters\)$/,
    );
  });

  test("drops details first, then causes, then the stack", () => {
    const fields = (thrown: unknown): string[] =>
      Object.keys(failureOf(thrown)).filter((key) => ["details", "cause", "stack"].includes(key));
    const details = "d".repeat(15_000);
    const cause = new Error("c".repeat(4_000), { cause: new Error("c".repeat(4_000)) });
    const stack = "\u0000".repeat(4_000);
    expect(fields(Object.assign(new Error("a", { cause: new Error("b") }), { details }))).toEqual([
      "stack",
      "cause",
    ]);
    expect(fields(new Error("a".repeat(1_000), { cause }))).toEqual(["stack"]);
    expect(fields(withStack(new Error("a"), stack))).toEqual([]);
  });

  test("takes details as they are now, whatever their author does to them later", () => {
    const details = { tries: [1], at: new Date(0) };
    const failure = failureOf(Object.assign(new Error("a"), { details }));
    details.tries.push(2);
    expect(failure.details).toEqual({ tries: [1], at: "1970-01-01T00:00:00.000Z" });
  });

  test("leaves details out that are no JSON", () => {
    expect(failureOf(Object.assign(new Error("a"), { details: 1n }))).not.toHaveProperty("details");
    expect(failureOf(Object.assign(new Error("a"), { details: undefined }))).not.toHaveProperty(
      "details",
    );
  });

  test("hears a step that says that trying again would not help", () => {
    expect(fromThrown(new TerminalError("stop"), "s", 1).terminal).toBe(true);
    expect(fromThrown({ retryable: false }, "s", 1).terminal).toBe(true);
    expect(fromThrown({ retryable: 0 }, "s", 1).terminal).toBe(false);
    expect(fromThrown(new RetryAfterError("wait", 5), "s", 1).terminal).toBe(false);
    // An error of another copy of the package.
    expect(fromThrown({ [Symbol.for("millrace.terminal-error")]: true }, "s", 1).terminal).toBe(
      true,
    );
  });

  test.each([
    [0, 0],
    [1_500, 1_500],
    [-1, -1],
    [Number.NaN, null],
    [Infinity, null],
  ])("hears a step that asks to be tried again after %d ms as %s", (asked, heard) => {
    expect(fromThrown(new RetryAfterError("busy", asked), "s", 1).retryAfterMs).toBe(heard);
  });

  test("does not take a text for a time to wait", () => {
    const thrown = Object.assign(new RetryAfterError("busy", 1), { retryAfterMs: "1000" });
    expect(fromThrown(thrown, "s", 1).retryAfterMs).toBeNull();
  });
});

describe("fromThrown, of an error that an action threw", () => {
  test("keeps its code, its source, its details and when to come back", () => {
    const error = new ActionError("http.status", "429 from example.com", {
      source: "infrastructure",
      retryAfterMs: 3_000,
      details: { status: 429 },
      cause: new ActionError("outbound.refused", "no route"),
    });
    expect(fromThrown(error, "charge", 1)).toMatchObject({
      terminal: false,
      retryAfterMs: 3_000,
      failure: {
        code: "http.status",
        source: "infrastructure",
        message: "429 from example.com",
        details: { status: 429 },
        name: "ActionError",
        cause: { code: "outbound.refused", source: "code", message: "no route" },
      },
    });
  });

  test("is terminal when the definition is to blame", () => {
    const error = new ActionError("input.invalid", "no amount", { source: "definition" });
    expect(fromThrown(error, "charge", 1)).toMatchObject({
      terminal: true,
      retryAfterMs: null,
      failure: { code: "input.invalid", source: "definition" },
    });
  });

  test("blames the author if it names nobody, and waits for no time that is none", () => {
    const error = Object.assign(new ActionError("a.b", "no", { retryAfterMs: Number.NaN }), {
      source: "nobody",
    });
    expect(fromThrown(error, "charge", 1)).toMatchObject({
      terminal: false,
      retryAfterMs: null,
      failure: { code: "a.b", source: "code" },
    });
  });

  test.each(["", "no dots", "Upper.Case", 7, `a.${"b".repeat(100)}`, "a.b\n"])(
    "does not take over the code %j",
    (code) => {
      const error = Object.assign(new ActionError("a.b", "no"), { code });
      expect(failureOf(error).code).toBe("step.failed");
    },
  );

  test("keeps the message of an error whose cause cannot be looked at", () => {
    expect(failureOf(new Error("outer", { cause: hostile() }))).toMatchObject({
      message: "outer",
      cause: { code: "step.failed" },
    });
  });

  test("leaves code and source of any other error alone, whatever it calls itself", () => {
    const error = Object.assign(new Error("no"), { code: "http.status", source: "infrastructure" });
    expect(failureOf(error)).toMatchObject({ code: "step.failed", source: "code" });
  });
});

describe("engineFailure", () => {
  test("names code, step and attempt, and cuts a long message", () => {
    const failure = engineFailure("output.invalid", "m".repeat(10_000), "definition", {
      step: "a",
      attempt: 3,
    });
    expect(failure).toMatchObject({ code: "output.invalid", source: "definition", attempt: 3 });
    expect(failure.message.length).toBeLessThan(4_200);
    expect(engineFailure("run.timeout", "late", "definition")).toEqual({
      code: "run.timeout",
      message: "late",
      source: "definition",
    });
  });
});
