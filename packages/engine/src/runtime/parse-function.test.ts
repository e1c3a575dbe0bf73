import { toTimestamp, type JsonValue, type StoredFunction } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { parseFunction } from "./parse-function.ts";

const URL = "https://example.com/charge";

const withTarget = (target: Readonly<Record<string, JsonValue>>): JsonValue => ({
  target: { kind: "http", url: URL, ...target },
});

function targetOf(value: JsonValue, before: StoredFunction | null = null): unknown {
  const parsed = parseFunction(value, before);
  return parsed.ok ? parsed.draft.target : parsed.issues;
}

function issuesOf(value: JsonValue, before: StoredFunction | null = null): readonly string[] {
  const parsed = parseFunction(value, before);
  return parsed.ok ? [] : parsed.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("parseFunction", () => {
  test("takes all that a function may say", () => {
    const whole = {
      description: "Charges a card",
      target: { kind: "http", url: URL, method: "PUT", headers: { "x-a": "1" }, timeoutMs: 500 },
      input: { type: "object" },
      output: {},
    };
    expect(parseFunction(whole, null)).toEqual({ ok: true, draft: whole });
    expect(parseFunction(withTarget({}), null)).toEqual({
      ok: true,
      draft: { target: { kind: "http", url: URL } },
    });
  });

  test("tells every mistake at once, with its path", () => {
    const wrong = {
      descripton: "x",
      target: { kind: "grpc", method: "get", timeoutMs: 0, headers: { "a b": "x", host: "y" } },
      input: [],
    };
    expect(issuesOf(wrong)).toEqual([
      "target.kind: Unknown kind of target",
      "target.url: Required",
      "target.method: Unknown method",
      "target.timeoutMs: Must be a whole number from 1 to 86400000, received 0",
      "target.headers.a b: Is no header name",
      "target.headers.host: Is set by the call itself",
      "input: Expected object, received array",
      'descripton: Unknown field "descripton"',
    ]);
  });

  test.each([null, 7, "charge", [], {}])("refuses %j", (value) => {
    expect(issuesOf(value)).not.toEqual([]);
  });

  test.each([
    ["", /absolute/],
    ["/charge", /absolute/],
    ["charge", /absolute/],
    ["ftp://example.com", /https/],
    ["file:///etc/passwd", /https/],
    ["javascript:alert(1)", /https/],
    ["https://", /absolute/],
    ["https://ada:secret@example.com", /user name or password/],
    ["https://ada@example.com", /user name or password/],
    [`https://example.com/${"x".repeat(2_048)}`, /2048/],
  ])("refuses the URL %j", (url, problem) => {
    expect(issuesOf(withTarget({ url }))).toEqual([expect.stringMatching(problem)]);
  });

  test.each([
    ["a\r\nx-evil: 1", /one line/],
    ["a\u0000", /one line/],
    ["€", /Latin-1/],
    ["x".repeat(4_097), /4096/],
    [7, /Expected string/],
  ])("refuses the header value %j", (value, problem) => {
    expect(issuesOf(withTarget({ headers: { "x-a": value } }))).toEqual([
      expect.stringMatching(problem),
    ]);
  });

  test("refuses a header that is given twice, and more than fifty", () => {
    expect(issuesOf(withTarget({ headers: { "X-A": "1", "x-a": "2" } }))).toEqual([
      "target.headers.x-a: Is given twice",
    ]);
    const many = (count: number): JsonValue =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, "1"]));
    expect(issuesOf(withTarget({ headers: many(50) }))).toEqual([]);
    expect(issuesOf(withTarget({ headers: many(51) }))).toEqual([
      "target.headers: Must be at most 50, received 51",
    ]);
  });
});

describe("parseFunction, of a header whose value was not shown", () => {
  const before: StoredFunction = {
    name: "charge",
    target: { kind: "http", url: URL, headers: { Authorization: "Bearer secret" } },
    createdAt: toTimestamp(1),
    updatedAt: toTimestamp(1),
  };
  const hidden = { headers: { authorization: "***" } };

  test("keeps the value that is stored", () => {
    expect(targetOf(withTarget(hidden), before)).toMatchObject({
      headers: { authorization: "Bearer secret" },
    });
    expect(targetOf(withTarget({ ...hidden, url: `${URL}/more?x=1` }), before)).toMatchObject({
      headers: { authorization: "Bearer secret" },
    });
  });

  test.each([
    "https://evil.example.com/charge",
    "http://example.com/charge",
    "https://example.com:8443/charge",
  ])("does not send it to another host: %s", (url) => {
    expect(issuesOf(withTarget({ ...hidden, url }), before)).toEqual([
      expect.stringMatching(/^target\.headers\.authorization: .*none for this host/),
    ]);
  });

  test("refuses it where there is none", () => {
    expect(issuesOf(withTarget(hidden))).toHaveLength(1);
    expect(issuesOf(withTarget({ headers: { "x-other": "***" } }), before)).toHaveLength(1);
  });

  test("forgets the headers that are left out", () => {
    expect(targetOf(withTarget({}), before)).toEqual({ kind: "http", url: URL });
  });
});
