import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkFaults, writeFaults } from "./faults.ts";
import { collectProofs } from "./faults/collect.ts";
import { FAULTS, type Fault } from "./faults/list.ts";
import { readTitles } from "./faults/read-titles.ts";
import { storesOf } from "./faults/stores.ts";
import { plantFolder, type PlantedFolder } from "./testkit/planted-folder.ts";
import { ROOT } from "./workspace.ts";

const PAGE = "docs/reference/faults.md";

const aFault = (number: number, more: Partial<Fault> = {}): Fault => ({
  number,
  group: "Time",
  scenario: "It happens",
  expected: "It passes.",
  ...more,
});

/** A repository whose page is as its tests say. */
async function plant(
  files: Readonly<Record<string, string>>,
  faults: readonly Fault[],
): Promise<PlantedFolder> {
  const folder = await plantFolder(files);
  await mkdir(join(folder.path, "docs/reference"), { recursive: true });
  await writeFaults(folder.path, faults);
  return folder;
}

const titlesOf = (text: string): readonly (readonly string[])[] =>
  readTitles("x.test.ts", text).map((title) => [...title.groups, title.text]);

describe("the list of faults", () => {
  test("has a test or a reason for each, and a page that says the same", async () => {
    expect(await checkFaults(ROOT)).toEqual([]);
  });

  test("numbers sixty faults from 1, in their groups", () => {
    expect(FAULTS.map(({ number }) => number)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect(new Set(FAULTS.map(({ scenario }) => scenario)).size).toBe(60);
    const firsts = FAULTS.filter(({ group }, i) => group !== FAULTS[i - 1]?.group);
    expect(firsts.map(({ number }) => number)).toEqual([1, 18, 35, 43]);
  });

  test("is held against many tests, not against none", () => {
    expect(collectProofs(ROOT).proofs.length).toBeGreaterThan(60);
  });
});

describe("checkFaults", () => {
  test("is content when each fault has a test or a reason", async () => {
    const faults = [aFault(1), aFault(2, { notYet: "There is none yet." })];
    await using folder = await plant({ "e2e/a.test.ts": `test("x (fault 1)", f)` }, faults);
    expect(await checkFaults(folder.path, faults)).toEqual([]);
    const page = await readFile(join(folder.path, PAGE), "utf8");
    expect(page).toContain("| x ([a.test.ts](../../e2e/a.test.ts)) | SQLite |");
    expect(page).toMatch(/\| Not yet: There is none yet\. +\| – +\|/);
  });

  test("finds a fault that has neither test nor reason, and one that has both", async () => {
    const faults = [aFault(1), aFault(2, { notYet: "There is none yet." })];
    await using folder = await plant({ "e2e/a.test.ts": `test("x (fault 2)", f)` }, faults);
    expect(await checkFaults(folder.path, faults)).toEqual([
      "fault 1 (It happens) is shown by no test, and the list does not say why",
      `fault 2 (It happens) is shown by a test, and the list says that it is not: "There is none yet."`,
    ]);
  });

  test("finds a number that is no fault's", async () => {
    const faults = [aFault(1)];
    await using folder = await plant({ "e2e/a.test.ts": `test("x (faults 1, 61)", f)` }, faults);
    expect(await checkFaults(folder.path, faults)).toEqual([
      `e2e/a.test.ts: "x" shows fault 61, which there is not`,
    ]);
  });

  test("finds a page that differs, and one that is not there", async () => {
    const faults = [aFault(1)];
    const finding = `${PAGE}: differs from the tests; run "npm run faults"`;
    await using folder = await plant({ "e2e/a.test.ts": `test("x (fault 1)", f)` }, faults);
    await appendFile(join(folder.path, PAGE), "More by hand.\n");
    expect(await checkFaults(folder.path, faults)).toEqual([finding]);
    await using bare = await plantFolder({ "e2e/a.test.ts": `test("x (fault 1)", f)` });
    expect(await checkFaults(bare.path, faults)).toEqual([finding]);
  });

  test("is red where it sees no tests", async () => {
    await using folder = await plant({}, []);
    expect(await checkFaults(folder.path, [])).toEqual(["saw no test files"]);
  });

  test.each([
    [`faults 12`],
    [`fault 12, 13`],
    [`faults 13, 12`],
    [`faults 12, 12`],
    [`faults 12,13`],
    [`Fault 12`],
    [`fault 12) (fault 13`],
  ])("finds a mark of another form: (%s)", async (mark) => {
    await using folder = await plant({ "e2e/a.test.ts": `test("x (${mark})", f)` }, []);
    expect(await checkFaults(folder.path, [])).toEqual([
      `e2e/a.test.ts: "x (${mark})" has a mark of another form`,
    ]);
  });

  test("finds a mark that does not stand at the end", async () => {
    const text = `test("x (fault 1) goes on", f)`;
    await using folder = await plant({ "e2e/a.test.ts": text }, []);
    expect(await checkFaults(folder.path, [])).toHaveLength(1);
  });
});

describe("the page", () => {
  test("names groups, links files from where it stands, and tells each store once", async () => {
    const faults = [aFault(1)];
    const title = `it("a | b_c is %s (fault 1)", f)`;
    await using folder = await plant(
      {
        "packages/engine/src/storage/suite/a.suite.ts": `describe("start", () => { ${title} });`,
        "packages/engine/src/storage/sqlite/b.test.ts": title,
        "packages/engine/src/core/c.test.ts": title,
      },
      faults,
    );
    const page = await readFile(join(folder.path, PAGE), "utf8");
    expect(page).toContain(
      "start: a \\| b\\_c is … ([a.suite.ts](../../packages/engine/src/storage/",
    );
    expect(page).toContain("| SQLite, PostgreSQL, simulated |");
  });
});

describe("readTitles", () => {
  test("reads literals and templates of every form of call, with their groups", () => {
    const text = `
      describe("a", { timeout: 1 }, () => {
        test("one", async () => {});
        it.each([1, 2])("two %d", () => {});
        describe.for([["x"]])("b", () => { test.concurrent(\`three \${COUNT} times\`, f); });
        test.for(rows.map((row) => test("inner", row)))('four', f);
      });
      test("five");
    `;
    expect(titlesOf(text)).toEqual([
      ["a", "one"],
      ["a", "two %d"],
      ["a", "b", "three … times"],
      ["a", "four"],
      ["a", "inner"],
      ["five"],
    ]);
  });

  test("passes over tests that do not run, computed titles, comments and other calls", () => {
    const text = `
      // test("in a comment", f)
      const sentence = 'test("in a text", f)';
      test.skip("skipped", f);
      it.todo("to do");
      describe.skip("silent", () => { test("within", f); });
      test(name, f);
      pattern.test("not one of ours");
      attest("nor this");
    `;
    expect(titlesOf(text)).toEqual([]);
  });

  test("throws on a file that does not parse", () => {
    expect(() => readTitles("x.test.ts", "test(")).toThrow("x.test.ts does not parse");
  });
});

describe("storesOf", () => {
  test.each([
    ["packages/engine/src/storage/suite/start.suite.ts", ["SQLite", "PostgreSQL", "simulated"]],
    ["packages/engine/src/storage/sqlite/reap.test.ts", ["SQLite"]],
    ["packages/engine/src/storage/postgres/reap.test.ts", ["PostgreSQL"]],
    ["packages/engine/src/simulation/simulate.test.ts", ["simulated"]],
    ["packages/engine/src/simulation/cluster.test.ts", ["simulated"]],
    ["packages/engine/src/runtime/starts.test.ts", ["simulated"]],
    ["packages/engine/src/runtime/starts-postgres.test.ts", ["PostgreSQL"]],
    ["packages/engine/src/core/retry.test.ts", ["any"]],
    ["packages/sdk/src/worker/heartbeat.test.ts", ["any"]],
    ["packages/millrace/src/doors/rest/runs.test.ts", ["SQLite"]],
    ["e2e/crash.test.ts", ["SQLite"]],
    ["e2e/chaos.test.ts", ["PostgreSQL"]],
    ["e2e/cluster-drain.test.ts", ["PostgreSQL"]],
  ])("knows from its place where %s runs", (file, stores) => {
    expect(storesOf(file, "")).toEqual(stores);
  });

  test("believes what the file says of itself", () => {
    const said = `export const SHOWN_ON = ["PostgreSQL", "SQLite"] as const;`;
    expect(storesOf("e2e/crash.test.ts", said)).toEqual(["SQLite", "PostgreSQL"]);
    const wrong = `export const SHOWN_ON = ["Oracle"];`;
    expect(() => storesOf("e2e/crash.test.ts", wrong)).toThrow("SHOWN_ON must list some of");
  });

  test("sees that a file opens SQLite where its neighbours do not", () => {
    const text = `import { createSqliteStorage } from "@millrace/engine/sqlite";`;
    expect(storesOf("packages/sdk/src/x.test.ts", text)).toEqual(["SQLite"]);
  });
});
