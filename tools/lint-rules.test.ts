// Plants what the lint must find into folders named as ours, and runs the real linter with the real settings.

import { execFile } from "node:child_process";
import { copyFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { plantFolder } from "./testkit/planted-folder.ts";
import { ROOT } from "./workspace.ts";

const IMPURE = `
import { readFileSync } from "node:fs";
import type { Stats } from "node:fs/promises";
export { join } from "node:path";
export const os = await import("node:os");
export const at = Date.now();
export const day = new Date();
export const chance = Math.random();
export const mark = performance.now();
export const timer = setTimeout(() => undefined, 1);
export const home = process.env["HOME"];
export const id = crypto.randomUUID();
export const around = globalThis.Date;
export const bytes = Buffer.alloc(1);
export const size = (stats: Stats): number => stats.size + readFileSync("x").length;
`;
const IMPURITY_COUNT = 13;

const CARELESS = `
async function later(): Promise<void> {}
export function go(value: any): void { later(); value!.go(); }
export function name(kind: "a" | "b"): string { switch (kind) { case "a": return "A"; } return "B"; }
`;

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

async function lint(files: Record<string, string>): Promise<readonly Diagnostic[]> {
  await using folder = await plantFolder({
    "tsconfig.json": `{ "extends": "./tsconfig.base.json", "include": ["packages"] }`,
    ...files,
  });
  for (const file of [".oxlintrc.json", "tsconfig.base.json"]) {
    await copyFile(join(ROOT, file), join(folder.path, file));
  }
  await symlink(join(ROOT, "node_modules"), join(folder.path, "node_modules"));
  const { stdout } = await promisify(execFile)(
    join(ROOT, "node_modules/.bin/oxlint"),
    ["--format", "json"],
    { cwd: folder.path },
  ).catch((error: unknown) => error as { stdout: string });
  return (JSON.parse(stdout) as { diagnostics: readonly Diagnostic[] }).diagnostics;
}

describe("the lint rules", () => {
  test("hold the pure folders pure, and leave their tests alone", async () => {
    const folders = [
      "engine/src/core",
      "engine/src/definition",
      "engine/src/steps",
      "protocol/src",
    ];
    const found = await lint({
      ...Object.fromEntries(folders.map((it) => [`packages/${it}/planted.ts`, IMPURE])),
      "packages/engine/src/core/planted.test.ts": IMPURE,
      "packages/engine/src/runtime/planted.ts": IMPURE,
    });
    const impure = found.filter(({ code }) => code.startsWith("eslint(no-restricted-"));
    const byFolder = Object.groupBy(impure, ({ filename }) => filename);
    const counts = Object.entries(byFolder).map(([name, list]) => [name, list?.length]);
    const wanted = folders.map((it) => [`packages/${it}/planted.ts`, IMPURITY_COUNT]);
    expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(wanted));
  });

  test("know types and follow imports", async () => {
    const found = await lint({
      "packages/engine/src/runtime/careless.ts": CARELESS,
      "packages/engine/src/runtime/one.ts": `import { two } from "./two.ts"; export const one = () => two;`,
      "packages/engine/src/runtime/two.ts": `import { one } from "./one.ts"; export const two = () => one;`,
    });
    expect(new Set(found.map(({ code }) => code))).toEqual(
      new Set([
        "import(no-cycle)",
        "typescript(no-explicit-any)",
        "typescript(no-floating-promises)",
        "typescript(no-non-null-assertion)",
        "typescript(no-unsafe-call)",
        "typescript(no-unsafe-member-access)",
        "typescript(switch-exhaustiveness-check)",
      ]),
    );
  });
});
