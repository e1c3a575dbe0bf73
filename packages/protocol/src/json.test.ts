import { describe, expect, test } from "vitest";
import { fromJsonText, MAX_JSON_DEPTH, parseJson, toJsonText, type JsonText } from "./json.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

function deepValue(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** The text of a value that can be written; a test whose value cannot has failed. */
function textOf(value: unknown): JsonText {
  const json = toJsonText(value);
  if (!json.ok) throw new Error(json.problem);
  return json.text;
}

describe("parseJson", () => {
  test("reads every kind of value", () => {
    expect(parseJson(' {"a":[1,-2.5e3,"x",true,false,null,{}]} ')).toEqual({
      ok: true,
      value: { a: [1, -2500, "x", true, false, null, {}] },
    });
  });

  test("reads nesting up to the limit, and refuses one level more", () => {
    expect(parseJson(nested(MAX_JSON_DEPTH)).ok).toBe(true);
    expect(parseJson(nested(MAX_JSON_DEPTH + 1))).toEqual({
      ok: false,
      problem: "JSON is nested deeper than 256 levels",
    });
  });

  test("refuses 10,000,000 brackets without running out of stack", () => {
    expect(parseJson("[".repeat(10_000_000))).toMatchObject({ ok: false });
    expect(parseJson('{"a":'.repeat(100_000))).toMatchObject({ ok: false });
  });

  test("does not count brackets inside strings, nor take an escaped quote for the end of one", () => {
    const text = JSON.stringify(["[".repeat(1_000), `"${"{".repeat(1_000)}`, "\\", "\\\\"]);
    expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
  });

  test("counts brackets that follow a string which ends in backslashes", () => {
    const text = `["\\\\",${nested(MAX_JSON_DEPTH)}]`;
    expect(parseJson(text)).toMatchObject({ ok: false, problem: /nested/ as unknown as string });
  });

  test("counts how deep brackets are, not how many there are", () => {
    expect(parseJson(`[${"[],".repeat(10_000)}[]]`).ok).toBe(true);
    expect(parseJson(`${"]".repeat(300)}${nested(300)}`).ok).toBe(false);
  });

  test("makes a key __proto__ an own property that changes no prototype", () => {
    const parsed = parseJson('{"__proto__":{"isAdmin":true},"constructor":1}');
    if (!parsed.ok) throw new Error(parsed.problem);
    const value = parsed.value as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect(value["isAdmin"]).toBeUndefined();
    expect(textOf(value)).toBe('{"__proto__":{"isAdmin":true},"constructor":1}');
  });

  test.for([
    ['{ "name": "x",\n  "steps": [ }', 28, 2],
    ["[1, 2, tru, 4]", 10, 1],
    ["{\"a\": 'x'}", 6, 1],
    ["{\n  // a remark\n}", 4, 2],
    ['{"a": 1}}', 8, 1],
    ["[1,\n2,\n]", 7, 3],
    ['{"a": undefined}', 6, 1],
    ["hello", 0, 1],
  ] as const)("says of %j that it is wrong at position %d", ([text, position, line]) => {
    const problem = `The text is not valid JSON at position ${position} (line ${line})`;
    expect(parseJson(text)).toEqual({ ok: false, problem });
  });

  test.for(['{"a": [1, 2', '{"a": "x', '{"a":', "[", "tru", "-"])(
    "says of %j that it ends too early",
    (text) => {
      const problem = "The text is not valid JSON: it ends too early";
      expect(parseJson(text)).toEqual({ ok: false, problem });
    },
  );

  test("does not look for the place in a text that only a program writes", () => {
    const text = `["${"x".repeat(70_000)}", tru]`;
    expect(parseJson(text)).toEqual({ ok: false, problem: "The text is not valid JSON" });
  });

  test("lets the last of duplicate keys win", () => {
    expect(parseJson('{"a":1,"b":2,"a":3}')).toEqual({ ok: true, value: { a: 3, b: 2 } });
  });

  test("reads text that begins with one byte order mark, and refuses one anywhere else", () => {
    expect(parseJson('\uFEFF{"a":1}')).toEqual({ ok: true, value: { a: 1 } });
    expect(parseJson("\uFEFF\uFEFF1").ok).toBe(false);
    expect(parseJson("1\uFEFF").ok).toBe(false);
    expect(parseJson("\uFEFF").ok).toBe(false);
  });

  test("reads an escaped NUL and an escaped lone surrogate, and writes them so that they come back", () => {
    const parsed = parseJson(String.raw`["\u0000","\ud800","\udc00x","😀"]`);
    const value = ["\u0000", "\uD800", "\uDC00x", "😀"];
    expect(parsed).toEqual({ ok: true, value });
    const text = textOf(value);
    // What is stored is well-formed whatever the value is.
    expect(text.isWellFormed()).toBe(true);
    expect(text).not.toContain("\u0000");
    expect(fromJsonText(text)).toEqual(value);
  });

  test("refuses a raw NUL and a raw line feed in a string", () => {
    expect(parseJson('"\u0000"').ok).toBe(false);
    expect(parseJson('"\n"').ok).toBe(false);
  });

  test.each([
    "",
    " ",
    "undefined",
    "NaN",
    "Infinity",
    "-Infinity",
    "1n",
    "01",
    "+1",
    ".5",
    "1.",
    "0x10",
    "'a'",
    "{a:1}",
    '{"a":1,}',
    "[1,]",
    "[1 2]",
    '{"a"}',
    "// no\n1",
    "/* no */ 1",
    "1 2",
    "{}{}",
    '"unfinished',
    '"\\x41"',
    "tru",
    "nulll",
  ])("refuses %j, which is not JSON", (text) => {
    expect(parseJson(text)).toMatchObject({ ok: false });
  });

  test("says shortly what is wrong with a long text", () => {
    const parsed = parseJson(`{"a":"${"x".repeat(1_000_000)}",}`);
    expect(parsed.ok ? "" : parsed.problem).toMatch(/^.{10,200}$/);
  });

  test("keeps numbers as JavaScript reads them, and minus zero as a number", () => {
    expect(parseJson("[1e400,-0,0.1]")).toEqual({ ok: true, value: [Infinity, -0, 0.1] });
  });
});

describe("toJsonText", () => {
  test.each([
    [undefined, "null"],
    [null, "null"],
    ["", '""'],
    [0, "0"],
    [-0, "0"],
    [false, "false"],
    [{ a: undefined, b: 1 }, '{"b":1}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ toJSON: () => ({ a: 1 }) }, '{"a":1}'],
    [Object.create(null, { a: { value: 1, enumerable: true } }), '{"a":1}'],
    [new String("boxed"), '"boxed"'],
  ])("writes %j as %s", (value, text) => {
    expect(toJsonText(value)).toEqual({ ok: true, text });
  });

  test.each<[string, unknown]>([
    ["NaN as the value", Number.NaN],
    ["Infinity as the value", Infinity],
    ["-Infinity as the value", -Infinity],
    ["a BigInt as the value", 10n],
    ["a function as the value", (): number => 1],
    ["a function as the value", Date],
    ["a symbol as the value", Symbol("s")],
    ['NaN at key "total"', { total: Number.NaN }],
    ['a BigInt at key "id"', { deep: [{ id: 1n }] }],
    ['a symbol at key "1"', [1, Symbol.iterator]],
    ['a function at key "run"', { run: (): void => {} }],
    ["a BigInt as the value", { toJSON: (): bigint => 1n }],
  ])("refuses %s and names it", (what, value) => {
    expect(toJsonText(value)).toEqual({
      ok: false,
      problem: `${what} cannot be stored as JSON`,
    });
  });

  test("names the first of several problems", () => {
    expect(toJsonText({ a: 1n, b: Number.NaN })).toMatchObject({
      problem: 'a BigInt at key "a" cannot be stored as JSON',
    });
  });

  test("refuses a cycle in one line", () => {
    const cycle: Record<string, unknown> = { name: "order" };
    cycle["self"] = { back: [cycle] };
    expect(toJsonText(cycle)).toEqual({
      ok: false,
      problem: "Converting circular structure to JSON",
    });
  });

  test("writes a value that is there twice twice, since that is no cycle", () => {
    const shared = { a: 1 };
    expect(textOf([shared, shared])).toBe('[{"a":1},{"a":1}]');
  });

  test("refuses a getter and a toJSON that throw, with their message", () => {
    const getter = Object.defineProperty({}, "a", {
      enumerable: true,
      get: () => {
        throw new Error("no entry\nsecond line");
      },
    });
    expect(toJsonText(getter)).toEqual({ ok: false, problem: "no entry" });
    const thrower = {
      toJSON: () => {
        throw "plain text";
      },
    };
    expect(toJsonText(thrower)).toEqual({ ok: false, problem: "plain text" });
  });

  test("writes nesting up to the limit, and refuses one level more", () => {
    expect(toJsonText(deepValue(MAX_JSON_DEPTH)).ok).toBe(true);
    expect(toJsonText(deepValue(MAX_JSON_DEPTH + 1))).toEqual({
      ok: false,
      problem: "the value is nested deeper than 256 levels",
    });
  });

  test("refuses a value 100,000 levels deep without throwing", () => {
    expect(toJsonText(deepValue(100_000)).ok).toBe(false);
  });

  test("gives text that reads back as the value", () => {
    const value = { a: [1, "ü\u2028\u0000", { b: null }], __x: [[[]]], "": 0 };
    expect(fromJsonText(textOf(value))).toEqual(value);
  });
});
