import { describe, expect, test } from "vitest";
import { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from "./error-codes.ts";
import { MillraceError } from "./millrace-error.ts";
import { RetryAfterError, TerminalError } from "./step-errors.ts";

const TABLE = Object.entries(ERROR_CODES) as [ErrorCode, ErrorCodeEntry][];

describe("ERROR_CODES", () => {
  test.each(TABLE)("says of %s what it means, with which status and what to do", (code, entry) => {
    expect(code).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*$/);
    expect(entry.sentence).toMatch(/^[A-Z].{10,}\.$/);
    expect(entry.status).toBeGreaterThanOrEqual(400);
    expect(entry.status).toBeLessThan(600);
    expect(["never", "backoff", "after"]).toContain(entry.retry);
    expect(entry.wire).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
  });

  test("does not tell a caller to repeat what is the caller's mistake", () => {
    const repeatable = TABLE.filter(([, { status, retry }]) => status < 500 && retry !== "never");
    // A moment later these may go well.
    expect(repeatable.map(([code]) => code)).toEqual([
      "request.timeout",
      "request.rate-limited",
      "key.changed",
      "workflow.changed",
      "function.changed",
    ]);
  });
});

describe("MillraceError", () => {
  test.each(TABLE)("of code %s has the table's sentence when none is given", (code, entry) => {
    const error = new MillraceError(code);
    expect(error.message).toBe(entry.sentence);
    expect(error.entry).toBe(entry);
    expect([error.name, error.code, error.issues, error.cause]).toEqual([
      "MillraceError",
      code,
      [],
      undefined,
    ]);
  });

  test("keeps its cause and all the mistakes that were found", () => {
    const cause = new Error("disk");
    const issues = [{ path: ["steps", 0], message: "no" }];
    const error = new MillraceError("storage.full", "no space on /data", { cause, issues });
    expect([error.message, error.cause, error.issues]).toEqual([
      "no space on /data",
      cause,
      issues,
    ]);
  });

  test("is known by its brand when another copy of the package has made it, and by nothing else", () => {
    expect(MillraceError.is(new MillraceError("run.finished"))).toBe(true);
    expect(MillraceError.is({ [Symbol.for("millrace.error")]: true })).toBe(true);
    const others = [new Error("no"), { code: "run.finished", name: "MillraceError" }, null, "x", 1];
    expect(others.map((other) => MillraceError.is(other))).toEqual(others.map(() => false));
  });
});

describe("the errors that steps throw", () => {
  test("are known by their brands, and not mistaken for each other", () => {
    const terminal = new TerminalError("stop", { cause: 1 });
    const later = new RetryAfterError("busy", 5_000, { cause: 2 });
    expect([TerminalError.is(terminal), TerminalError.is(later)]).toEqual([true, false]);
    expect([RetryAfterError.is(terminal), RetryAfterError.is(later)]).toEqual([false, true]);
    expect([terminal.name, terminal.cause, later.name, later.cause]).toEqual([
      "TerminalError",
      1,
      "RetryAfterError",
      2,
    ]);
    expect(later.retryAfterMs).toBe(5_000);
    expect([TerminalError.is(null), RetryAfterError.is("x")]).toEqual([false, false]);
  });
});
