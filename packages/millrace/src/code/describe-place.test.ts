import { describe, expect, test } from "vitest";
import { describePlace } from "./describe-place.ts";

function anError(...stack: readonly string[]): Error {
  const error = new Error("no");
  error.stack = stack.join("\n");
  return error;
}

const NODE = "    at ModuleLoader.load (node:internal/modules/esm/loader:787:26)";

describe("the place of an error", () => {
  test.for([
    [
      "text that is no TypeScript",
      ["/app/a.ts:3", "", "export function f( {", "", "SyntaxError: no"],
    ],
    ["a module that throws", ["Error: no", "    at file:///app/a.ts:3:7", NODE]],
    ["CommonJS", ["Error: no", "    at Object.<anonymous> (/app/a.ts:3:7)", NODE]],
    [
      "a library that it calls",
      [
        "Error: no",
        "    at f (file:///app/node_modules/x/i.js:9:1)",
        "    at file:///app/a.ts:3:7",
      ],
    ],
  ] as const)("is the line: %s", ([, stack]) => {
    expect(describePlace(anError(...stack, NODE), "/app/a.ts")).toBe(" (line 3)");
  });

  test("is the line of another file where it is there", () => {
    const error = anError("Error: no", "    at need (file:///app/inside/b.ts:12:3)", NODE);
    expect(describePlace(error, "/app/a.ts")).toBe(" (line 12 of /app/inside/b.ts)");
  });

  test("is left out where nobody knows it", () => {
    expect(describePlace(anError("SyntaxError: no", NODE), "/app/a.ts")).toBe("");
    expect(describePlace("just a text", "/app/a.ts")).toBe("");
  });
});
