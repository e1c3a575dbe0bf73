import { describe, expect, test } from "vitest";
import { checkLayers } from "./check-layers.ts";
import { plantFolder } from "./testkit/planted-folder.ts";

const engine = { "packages/engine/package.json": `{ "name": "@millrace/engine" }` };
const millrace = { "packages/millrace/package.json": `{ "name": "millrace" }` };

async function findIn(files: Record<string, string>): Promise<readonly string[]> {
  await using folder = await plantFolder(files);
  return checkLayers(folder.path).findings;
}

describe("checkLayers", () => {
  test("is content with arrows that go down", async () => {
    const findings = await findIn({
      ...engine,
      "packages/engine/src/runtime/flush.ts": `import { x } from "../core/state.ts"; import fs from "node:fs";`,
      "packages/engine/src/core/state.ts": `import type { RunId } from "@millrace/protocol";`,
      "packages/engine/src/core/state.test.ts": `import "../storage/sqlite/open.ts";`,
    });
    expect(findings).toEqual([]);
  });

  test.for([
    ["core/a.ts", `import { b } from "../runtime/b.ts";`, "core may not import runtime"],
    ["core/a.ts", `import type { B } from "../runtime/b.ts";`, "core may not import runtime"],
    ["core/a.ts", `export * from "../steps/b.ts";`, "core may not import steps"],
    ["core/a.ts", `const b = await import("../storage/b.ts");`, "core may not import storage"],
    ["core/a.ts", `import fs from "fs";`, "is pure and may not import fs"],
    ["steps/a.ts", `import { x } from "node:crypto";`, "is pure and may not import node:crypto"],
    ["runtime/a.ts", `import "../storage/sqlite/b.ts";`, "runtime may not import storage/sqlite"],
    [
      "storage/sqlite/a.ts",
      `import "../../runtime/b.ts";`,
      "storage/sqlite may not import runtime",
    ],
    [
      "index.ts",
      `export { x } from "./storage/sqlite/b.ts";`,
      "index.ts may not import storage/sqlite",
    ],
    ["core/a.ts", `import { x } from "../../../protocol/src/b.ts";`, "reaches out of its package"],
    ["core/a.ts", `import { start } from "millrace";`, "may not import millrace"],
    ["core/a.test.ts", `import { start } from "millrace";`, "may not import millrace"],
    ["helpers/a.ts", `export const a = 1;`, "belongs to no layer"],
  ] as const)("finds a wrong edge in the engine: %s, %s", async ([path, text, finding]) => {
    const findings = await findIn({ ...engine, [`packages/engine/src/${path}`]: text });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toContain(`packages/engine/src/${path}: ${finding}`);
  });

  test.for([
    ["doors/rest/a.ts", `import { openSqlite } from "@millrace/engine/sqlite";`],
    ["doors/rest/a.ts", `import { start } from "../../cli/start.ts";`],
    ["cli/start.ts", `import { createServer } from "node:http";`],
    ["app.ts", `import { serve } from "@hono/node-server";`],
  ] as const)("finds a wrong edge in the server: %s, %s", async ([path, text]) => {
    expect(await findIn({ ...millrace, [`packages/millrace/src/${path}`]: text })).toHaveLength(1);
  });

  test("lets the listening file open a port, and anybody name its types", async () => {
    const findings = await findIn({
      ...millrace,
      "packages/millrace/src/listen.ts": `import { createServer } from "node:http";`,
      "packages/millrace/src/app.ts": `import type { IncomingMessage } from "node:http";`,
    });
    expect(findings).toEqual([]);
  });

  test("is red when it sees no files", async () => {
    expect(await findIn({})).toEqual(["packages: saw no files"]);
    expect(await findIn(engine)).toContain("packages/engine/src: saw no files");
  });

  test("is red for a package that nobody has drawn", async () => {
    const findings = await findIn({
      "packages/new/package.json": `{ "name": "@millrace/new" }`,
      "packages/new/src/index.ts": "",
    });
    expect(findings).toContain("packages/new: the package is not in the drawing");
  });
});
