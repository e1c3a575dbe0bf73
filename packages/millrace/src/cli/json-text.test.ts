import { describe, expect, test } from "vitest";
import { toSafeJson } from "./json-text.ts";

describe("toSafeJson", () => {
  test("escapes what a terminal would obey, in values and in keys", () => {
    const value = { "\u009b2J": "\u001b[31m \u007f \u0085 \u009d0;x\u009c" };
    const text = toSafeJson(value);
    expect(text).toBe(String.raw`{"\u009b2J":"\u001b[31m \u007f \u0085 \u009d0;x\u009c"}`);
    expect(JSON.parse(text)).toEqual(value);
  });

  test("escapes what shows text in another order than it has", () => {
    const value = ["\u202egnp.exe", "\u2066a\u2069", "\u061c", "\u200f", "\u2028"];
    const text = toSafeJson(value, 2);
    expect(text).toMatch(/^[\n\u0020-\u007e]+$/);
    expect(JSON.parse(text)).toEqual(value);
  });

  test("leaves letters and emoji as they are", () => {
    expect(toSafeJson({ name: "Zoë 日本 שלום 👩‍👩‍👧" })).toBe(`{"name":"Zoë 日本 שלום 👩‍👩‍👧"}`);
  });
});
