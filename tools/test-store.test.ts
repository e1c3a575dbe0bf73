import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runStatements } from "../packages/engine/src/testkit/postgres/admin.ts";
import { sharedPostgres } from "../packages/engine/src/testkit/postgres/shared-postgres.ts";
import { readTranscript } from "./run.ts";
import { toTable, type Report } from "./test-store/report.ts";
import { ROOT } from "./workspace.ts";

async function command(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly all: string }> {
  const flags = ["--conditions=source", join("tools", "test-store.ts"), ...args];
  const { MILLRACE_DATABASE_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, flags, { cwd: ROOT, env });
  const transcript = readTranscript(child);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, all: transcript.all() };
}

/** The names of databases on the shared server that the command makes. */
async function listMade(url: string): Promise<readonly unknown[]> {
  const rows = await runStatements(url, "select datname as name from pg_database");
  return rows.map(({ name }) => name).filter((name) => String(name).startsWith("millrace_test_"));
}

describe("npm run test:store", () => {
  test("tries a server, says what passed, and removes what it has made", async () => {
    const { url } = await sharedPostgres();
    const { code, all } = await command("--url", url);
    expect(all).toMatch(/removed again: millrace_test_\w+, millrace_test_\w+\n/);
    expect(all).toMatch(/✔ storage suite, reap +\d+ of \d+\n/);
    expect(all).toMatch(
      /\| PostgreSQL 18.\d+ \| storage suite: (\d+) of \1; real runs on two nodes: 5 of 5 \| \d{4}-/,
    );
    expect(code).toBe(0);
    expect(await listMade(url)).toEqual([]);
  });

  test("refuses a user who may not make databases", async () => {
    const { url } = await sharedPostgres();
    await runStatements(url, "drop role if exists test_reader", "create role test_reader login");
    const as = new URL(url);
    as.username = "test_reader";
    const { code, all } = await command("--url", as.href);
    expect(all).toContain("may not make databases");
    expect(code).toBe(1);
  });

  test.each([
    [[], "No server is named"],
    [["--url", "https://example.com"], "--url has another form"],
    [["--url", "postgres://127.0.0.1:1/x", "--profile", "oracle"], "--profile is one of"],
    [["--url", "postgres://127.0.0.1:1/x"], "127.0.0.1"],
  ])("given %j it says %s", async (args, sentence) => {
    const { code, all } = await command(...args);
    expect(all).toContain(sentence);
    expect(code).toBe(1);
  });
});

describe("its table", () => {
  const aReport = (...statuses: readonly string[]): Report => ({
    testResults: [
      {
        assertionResults: statuses.map((status) => ({
          ancestorTitles: ["storage suite", "take"],
          title: `is ${status}`,
          status,
          failureMessages: status === "failed" ? ["expected 1 to be 2\n at there"] : [],
        })),
      },
    ],
  });

  test("names what failed, with its reason, and counts what did not run as not passed", () => {
    const { text, line, failedCount } = toTable(
      aReport("passed", "failed", "pending"),
      "Here 1",
      "2026-11-21",
    );
    expect(text).toMatch(/^✖ storage suite, take +1 of 3\n/);
    expect(text).toContain("is failed\n      expected 1 to be 2");
    expect(text).not.toContain("at there");
    expect(failedCount).toBe(2);
    expect(line).toBe(
      "| Here 1 | storage suite: 1 of 3; real runs on two nodes: not run | 2026-11-21 |",
    );
  });

  test("counts checks that could not be loaded as failed", () => {
    const report = { testResults: [{ message: "no such module", assertionResults: [] }] };
    expect(toTable(report, "Here 1", "2026-11-21").failedCount).toBe(1);
  });
});
