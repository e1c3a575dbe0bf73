import { describe, expect, test } from "vitest";
import { checkName, typeName } from "./names.ts";

describe("checkName", () => {
  test.each([
    "a",
    " ",
    "send invoice",
    "a/b#2",
    "Grüße",
    "注文",
    "😀",
    "__proto__",
    "a".repeat(255),
    "\u00A0",
    "\u2028",
  ])("accepts %j", (name) => {
    expect(checkName(name)).toBeUndefined();
  });

  test.each([
    [undefined, "Expected string, received undefined"],
    [null, "Expected string, received null"],
    [7, "Expected string, received number"],
    [["a"], "Expected string, received array"],
    [{}, "Expected string, received object"],
    [new String("a"), "Expected string, received object"],
    ["", "Must not be empty"],
    ["a".repeat(256), "Must be at most 255 characters, received 256"],
    ["a".repeat(10_000_000), "Must be at most 255 characters, received 10000000"],
    ["a\uD800", "Must be well-formed Unicode; it has a lone surrogate"],
    ["\uDC00a", "Must be well-formed Unicode; it has a lone surrogate"],
    ["\u0000", "Must not contain control characters; found U+0000"],
    ["a\nb", "Must not contain control characters; found U+000A"],
    ["\u001B[31mred", "Must not contain control characters; found U+001B"],
    ["\u007F", "Must not contain control characters; found U+007F"],
    ["a\u0085", "Must not contain control characters; found U+0085"],
    ["\u009F", "Must not contain control characters; found U+009F"],
  ])("says what is wrong with %j", (name, problem) => {
    // A name of 10 MB is not printed back.
    expect(checkName(name) === problem).toBe(true);
  });
});

describe("typeName", () => {
  test.each([
    [null, "null"],
    [[], "array"],
    [{}, "object"],
    ["", "string"],
    [1, "number"],
    [true, "boolean"],
    [undefined, "undefined"],
  ])("calls %j %s", (value, name) => {
    expect(typeName(value)).toBe(name);
  });
});
