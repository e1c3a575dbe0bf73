import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runStatements } from "../../../engine/src/testkit/postgres/admin.ts";
import { createTestDatabase } from "../../../engine/src/testkit/postgres/shared-postgres.ts";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo, type TestIo } from "../../../../tools/testkit/test-io.ts";
import { runCommandLine } from "./run-command-line.ts";

interface Answered {
  readonly data: { readonly status: string; readonly reason: string | null };
}

/** A server in this process, and what is asked of it. */
async function serve(
  folder: string,
  ...args: readonly string[]
): Promise<{ readonly io: TestIo; readonly url: string; stop(): Promise<number> }> {
  const io = createTestIo({ cwd: folder });
  const ended = runCommandLine(["start", "--port", "0", "--json", ...args], io);
  await io.untilOut("\n");
  const { url } = JSON.parse(io.outText()) as { url: string };
  return {
    io,
    url,
    stop: () => {
      io.stop();
      return ended;
    },
  };
}

async function health(url: string): Promise<Answered["data"]> {
  // The API's own shape.
  return ((await (await fetch(`${url}/api/v1/health`)).json()) as Answered).data;
}

async function run(folder: string, ...args: readonly string[]): Promise<TestIo & { code: number }> {
  const io = createTestIo({ cwd: folder });
  const code = await runCommandLine([...args], io);
  return { ...io, code };
}

describe("millrace export, import and resume", { timeout: 60_000 }, () => {
  test("carry a store to another folder, where it waits for a word", async () => {
    await using folder = await plantFolder({});
    const first = await serve(folder.path);
    expect(await first.stop()).toBe(0);
    const exported = await run(folder.path, "export", "all.jsonl.gz");
    expect([exported.code, exported.errText()]).toEqual([0, ""]);
    expect(exported.outText()).toMatch(/^Exported \d+ rows to .*\/all\.jsonl\.gz \(.+\)\.\n$/);

    const imported = await run(folder.path, "import", "all.jsonl.gz", "--data", "new");
    expect([imported.code, imported.errText()]).toEqual([0, ""]);
    expect(imported.outText()).toContain("It is paused");
    // Whoever has the old folder's key opens the new store.
    const key = await readFile(join(folder.path, ".millrace", "dev-key"), "utf8");
    await writeFile(join(folder.path, "new", "dev-key"), key, { mode: 0o600 });
    const second = await serve(folder.path, "--data", "new");
    expect((await health(second.url)).reason).toMatch(/^paused/);
    const words = ["Runs go on.\n", "It was not paused.\n"];
    for (const word of words) {
      const told = await run(folder.path, "resume", "--data", "new", "--server", second.url);
      expect([told.code, told.errText(), told.outText()]).toEqual([0, "", word]);
    }
    expect((await health(second.url)).reason).toBeNull();
    expect(await second.stop()).toBe(0);
  });

  test("do not choose between a folder and a database that are both named", async () => {
    await using folder = await plantFolder({});
    const both = ["--data", ".", "--database", "postgres://127.0.0.1:1/none"];
    for (const name of ["export", "import"]) {
      const { code, errText } = await run(folder.path, name, "all.jsonl.gz", ...both);
      expect([code, errText()]).toEqual([
        2,
        expect.stringContaining("--data and --database name two stores. Name one of them."),
      ]);
    }
  });

  test("warn of a server that works on what is exported", async () => {
    await using folder = await plantFolder({});
    const server = await serve(folder.path);
    const exported = await run(folder.path, "export", "all.jsonl", "--json");
    await server.stop();
    expect(exported.code).toBe(0);
    expect(JSON.parse(exported.outText())).toMatchObject({ isLive: true });
    expect(exported.errText()).toContain("A server works on this store");
  });

  test.each([
    ["a file that is not there", ["import", "none.jsonl", "--data", "new"], /Cannot read .*none/],
    ["a store that is not there", ["export", "x.jsonl", "--data", "none"], /There is no store in/],
    ["a store that is not empty", ["import", "all.jsonl"], /is not empty/],
    ["a file that is torn", ["import", "torn.jsonl", "--data", "new"], /is torn or was changed/],
    ["a target that is there", ["export", "all.jsonl"], /Cannot export to .* it exists/],
    ["a folder that is not there", ["export", "none/all.jsonl"], /Cannot write .*none/],
  ])("refuse %s with one sentence", async (_, args, sentence) => {
    await using folder = await plantFolder({});
    await (await serve(folder.path)).stop();
    await run(folder.path, "export", "all.jsonl");
    const whole = await readFile(join(folder.path, "all.jsonl"), "utf8");
    await writeFile(join(folder.path, "torn.jsonl"), whole.slice(0, -20));
    const refused = await run(folder.path, ...args);
    expect([refused.code, refused.outText()]).toEqual([2, ""]);
    expect(refused.errText()).toMatch(sentence);
    expect(refused.errText().trimEnd().split("\n")).toHaveLength(1);
  });

  test("draw how far they are on a terminal", async () => {
    await using folder = await plantFolder({});
    await (await serve(folder.path)).stop();
    const io = createTestIo({ cwd: folder.path, terminal: { columns: 80, rows: 24 } });
    expect(await runCommandLine(["export", "all.jsonl"], io)).toBe(0);
    expect(io.errText()).toMatch(/100% {2}\d+ of \d+ rows exported/);
  });
});

describe("a database into which an import broke off", { timeout: 60_000 }, () => {
  test("lets no server start, and says what to do", async () => {
    await using folder = await plantFolder({});
    const database = await createTestDatabase();
    await (await serve(folder.path)).stop();
    await run(folder.path, "export", "all.jsonl");
    const flags = ["--database", database.url];
    expect((await run(folder.path, "import", "all.jsonl", ...flags)).code).toBe(0);
    const text = "update millrace.catalog set id = 'importing' where kind = 'store'";
    await runStatements(database.url, text);
    const started = await run(folder.path, "start", "--port", "0", "--data", "new", ...flags);
    expect(started.code).toBe(1);
    expect(started.errText()).toContain("An import broke off here");
    const exported = await run(folder.path, "export", "part.jsonl", ...flags);
    expect([exported.code, exported.errText()]).toEqual([
      1,
      expect.stringContaining("An import broke off here") as unknown,
    ]);
    await database.drop();
  });
});

describe("millrace start --paused", { timeout: 60_000 }, () => {
  test("lets nothing move, for copies that do not know that they are", async () => {
    await using folder = await plantFolder({});
    const server = await serve(folder.path, "--paused");
    expect((await health(server.url)).reason).toMatch(/^paused/);
    expect(await server.stop()).toBe(0);
    await mkdir(join(folder.path, "moved"));
    await rename(join(folder.path, ".millrace"), join(folder.path, "moved", "data"));
    const again = await serve(folder.path, "--data", join("moved", "data"));
    expect((await health(again.url)).reason).toMatch(/^paused/);
    expect(await again.stop()).toBe(0);
  });
});
