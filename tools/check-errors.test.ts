import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkErrors, writePage } from "./check-errors.ts";
import { plantFolder, type PlantedFolder } from "./testkit/planted-folder.ts";

const entry = `{ status: 404, retry: "never", wire: "NOT_FOUND", sentence: "There is none." }`;

function plant(codes: readonly string[], uses: readonly string[]): Promise<PlantedFolder> {
  const table = codes.map((code) => `"${code}": ${entry}`).join(", ");
  return plantFolder({
    "packages/protocol/package.json": `{ "type": "module" }`,
    "packages/protocol/src/error-codes.ts": `export const ERROR_CODES = { ${table} };`,
    "packages/engine/src/engine.ts": uses.map((code) => `raise("${code}");`).join("\n"),
  });
}

describe("checkErrors", () => {
  test("is content when each code is documented and used", async () => {
    await using folder = await plant(["run.not-found"], ["run.not-found"]);
    await writePage(folder.path);
    expect(await checkErrors(folder.path)).toEqual([]);
  });

  test("finds a code that the page does not name", async () => {
    await using folder = await plant(["run.not-found"], ["run.not-found"]);
    const finding = "docs/reference/errors.md: run.not-found is not documented";
    expect(await checkErrors(folder.path)).toEqual([finding]);
  });

  test("finds a page that differs from the table", async () => {
    await using folder = await plant(["run.not-found"], ["run.not-found"]);
    await writePage(folder.path);
    await appendFile(join(folder.path, "docs/reference/errors.md"), "More by hand.\n");
    expect((await checkErrors(folder.path))[0]).toContain("differs from the table");
  });

  test("finds a code that only the table and tests name", async () => {
    await using folder = await plant(["run.not-found", "run.lost"], ["run.not-found"]);
    await writePage(folder.path);
    await appendFile(join(folder.path, "packages/engine/src/engine.test.ts"), `"run.lost"`);
    const finding = "packages/protocol/src/error-codes.ts: run.lost is used nowhere";
    expect(await checkErrors(folder.path)).toEqual([finding]);
  });

  test("finds a code of another form", async () => {
    await using folder = await plant(["RunLost"], ["RunLost"]);
    await writePage(folder.path);
    expect((await checkErrors(folder.path))[0]).toContain("is not of the form noun.problem");
  });

  test("is red for an empty table", async () => {
    await using folder = await plant([], []);
    expect(await checkErrors(folder.path)).toHaveLength(1);
  });
});
