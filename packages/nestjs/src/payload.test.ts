import { MillraceError } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { toPayload } from "./payload.ts";

function faultOf(value: unknown): MillraceError {
  try {
    toPayload(value);
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
  throw new Error("it was taken");
}

const ring: unknown[] = [];
ring.push({ ring });

const shared = { at: new Date(0) };

const nest = (levels: number): unknown => {
  let value: unknown = 1;
  for (let n = 0; n < levels; n++) value = [value];
  return value;
};

describe("toPayload", () => {
  test.each<[unknown, unknown]>([
    [undefined, {}],
    [null, null],
    ["text", "text"],
    [
      [1, undefined],
      [1, null],
    ],
    [{ a: undefined, b: new Date(0) }, { b: "1970-01-01T00:00:00.000Z" }],
    [
      [shared, shared],
      [{ at: "1970-01-01T00:00:00.000Z" }, { at: "1970-01-01T00:00:00.000Z" }],
    ],
    [{ toJSON: () => "itself" }, "itself"],
  ])("makes %j what will be stored", (value, stored) => {
    expect(toPayload(value)).toEqual(stored);
  });

  test.each<[string, unknown, readonly (string | number)[], string]>([
    ["a cycle", ring, [0, "ring"], "a cycle: it is payload again"],
    ["a BigInt", { a: { b: 1n } }, ["a", "b"], "a BigInt; send it as text"],
    ["a function", [() => 1], [0], "a function"],
    ["a symbol", { s: Symbol("s") }, ["s"], "a symbol"],
    ["a number that is none", { n: [0, NaN] }, ["n", 1], "NaN"],
    ["a map", { m: new Map() }, ["m"], "a Map"],
    ["a set", new Set(), [], "a Set"],
    ["a function alone", () => 1, [], "a function"],
    ["too many levels", nest(300), [], "the value is nested deeper than 256 levels"],
  ])("refuses %s, and says where it is", (_, value, path, message) => {
    const fault = faultOf(value);
    expect(fault.code).toBe("input.invalid");
    expect(fault.issues).toEqual([{ path, message }]);
    expect(fault.message).toBe(
      `The payload cannot be stored as JSON: ${["payload", ...path].join(".")}: ${message}`,
    );
  });

  test("refuses what throws when it is read", () => {
    const value = {
      get secret(): never {
        throw new Error("not for you");
      },
    };
    expect(faultOf({ value }).issues).toEqual([
      { path: ["value", "secret"], message: "reading it threw Error" },
    ]);
  });

  const refuse = (): never => {
    throw new Error("not for you");
  };

  test.each<[string, unknown, string]>([
    ["`toJSON`", { toJSON: refuse }, "its `toJSON` threw Error"],
    [
      "a getter `toJSON`",
      Object.defineProperty({}, "toJSON", { get: refuse }),
      "reading it threw Error",
    ],
    ["a proxy", new Proxy({}, { ownKeys: refuse }), "reading it threw Error"],
  ])("refuses what throws from %s, without its words", (_, value, message) => {
    expect(faultOf({ value }).issues).toEqual([{ path: ["value"], message }]);
  });

  test("takes a key `__proto__` for a key", () => {
    const value: unknown = JSON.parse('{"__proto__":{"isAdmin":true},"constructor":1}');
    const stored = toPayload(value);
    expect(JSON.stringify(stored)).toBe('{"__proto__":{"isAdmin":true},"constructor":1}');
    expect(Object.getPrototypeOf(stored)).toBe(Object.prototype);
  });

  test("says null where a list has nothing", () => {
    const sparse: unknown[] = [];
    sparse[2] = "c";
    expect(toPayload(sparse)).toEqual([null, null, "c"]);
  });
});
