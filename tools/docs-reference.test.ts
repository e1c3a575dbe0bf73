// The reference pages against what they describe: routes, help texts, settings, exit codes, metrics, failures.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../packages/millrace/src/cli/exit-codes.ts";
import { runCommandLine } from "../packages/millrace/src/cli/run-command-line.ts";
import { readSettings } from "../packages/millrace/src/cli/settings.ts";
import { PLANTS } from "../packages/engine/src/simulation/simulate.ts";
import { openTestServer } from "./testkit/open-test-server.ts";
import { plantFolder } from "./testkit/planted-folder.ts";
import {
  readFences,
  readPage,
  readSection,
  readTable,
  type TableRow,
} from "./testkit/read-docs.ts";
import { createTestIo } from "./testkit/test-io.ts";
import { ROOT } from "./workspace.ts";

const CLI = readPage("docs/reference/cli.md");
const REST = readPage("docs/learning/rest-api.md");
const RUNNING = readPage("docs/operating/running.md");
const CONFIGURATION = readPage("docs/reference/configuration.md");

const column = (rows: readonly TableRow[], name: string): readonly (string | undefined)[] =>
  rows.map((row) => row[name]);

/** The text of all sources that are not tests. */
const readSources = (pattern: string): string =>
  globSync(pattern, { cwd: ROOT })
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => readFileSync(join(ROOT, file), "utf8"))
    .join("\n");

describe("docs/learning/rest-api.md", () => {
  test("lists the fields of a run and of a step", async () => {
    await using server = await openTestServer();
    const steps = [{ id: "a", type: "transform", config: { mapping: { b: 1 } } }];
    const id = await server.install({ name: "Echo", steps });
    const started = await server.send("POST", `/api/v1/workflows/${id}/run?wait=30`);
    const { runId: _, ...run } = started.body.data;
    const shown = column(readTable(readSection(REST, "Runs"), "Field"), "Field");
    const fields = shown.flatMap((it) => (it ?? "").split(", "));
    expect(fields.toSorted()).toEqual(Object.keys(run).toSorted());
    const { text } = readSection(REST, "Runs");
    for (const field of Object.keys(run.steps[0] ?? {})) expect(text).toContain(`\`${field}\``);
  });
});

describe("docs/reference/cli.md", () => {
  test.each(["", "start", "run", "runs get", "runs list", "runs watch", "backup"])(
    "prints the help of millrace %s as it is",
    async (command) => {
      const io = createTestIo();
      await runCommandLine([...command.split(" ").filter((it) => it !== ""), "--help"], io);
      const shown = readFences(CLI).map(({ text }) => text);
      expect(shown).toContain(io.outText().trimEnd());
    },
  );

  test("lists every exit code", () => {
    const shown = column(readTable(CLI, "Code"), "Code");
    for (const code of Object.values(EXIT)) expect(shown).toContain(String(code));
  });
});

/** The file of this folder names a setting that must stand elsewhere. */
function isRefused(cwd: string): boolean {
  try {
    readSettings({}, { env: {}, cwd });
    return false;
  } catch (error) {
    return error instanceof Error && error.message.includes("does not belong there");
  }
}

describe("docs/reference/configuration.md", () => {
  const rows = readTable(CONFIGURATION, "Setting", "Environment");
  const read = (env: Readonly<Record<string, string>>): unknown =>
    readSettings({}, { env, cwd: ROOT });

  test("lists every environment variable, and no other", () => {
    const known = column(rows, "Environment");
    // The sentence about an unknown name lists those that are known.
    expect(() => read({ MILLRACE_XXXXXXXXXXXXXXXXXXXXXX: "" })).toThrow(
      `Known are ${known.join(", ")}.`,
    );
  });

  test("says which settings may stand in the file", async () => {
    for (const row of rows) {
      const isInFile = row["In the file"] === "yes";
      const text = JSON.stringify({ [row["Setting"] ?? ""]: 80 });
      await using folder = await plantFolder({ "millrace.config.json": text });
      expect([row["Setting"], isRefused(folder.path)]).toEqual([row["Setting"], !isInFile]);
    }
  });

  test("prints a file that is accepted", async () => {
    const file = readFences(CONFIGURATION).find(({ language }) => language === "json");
    await using folder = await plantFolder({ "millrace.config.json": file?.text ?? "" });
    const settings = readSettings({}, { env: {}, cwd: folder.path });
    expect(settings.get("port")).toBe("8080");
  });

  test("names defaults that are so", () => {
    const settings = readSettings({}, { env: {}, cwd: ROOT });
    for (const name of ["port", "host", "logLevel"] as const) {
      const row = rows.find((it) => it["Setting"] === name);
      expect([name, row?.["Default"]]).toEqual([name, settings.get(name)]);
    }
  });
});

describe("docs/operating", () => {
  test("lists every metric with its type, and no other", async () => {
    await using server = await openTestServer({ mode: "development" });
    const { text } = await server.send("GET", "/metrics");
    const actual = Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, type]) => [
      name,
      type,
    ]);
    const rows = readTable(RUNNING, "Metric", "Type");
    expect(rows.map((row) => [row["Metric"], row["Type"]])).toEqual(actual);
  });

  test("quotes what the log says", () => {
    const sources = readSources("packages/{engine,millrace}/src/**/*.ts");
    const messages = column(readTable(RUNNING, "Level", "Message"), "Message");
    expect(messages.length).toBeGreaterThan(5);
    const words = messages.map((message = "") => message.replace("<service> ", ""));
    expect(words.filter((one) => !sources.includes(one))).toEqual([]);
  });

  test("lists every mistake that can be planted, and no other", () => {
    const rows = readTable(readPage("docs/operating/simulator.md"), "Plant");
    expect(column(rows, "Plant")).toEqual(PLANTS);
  });
});

describe("docs/learning/json-workflows.md", () => {
  const PAGE = readPage("docs/learning/json-workflows.md");

  test("lists failures that the engine has", () => {
    const sources = readSources("packages/engine/src/{core,definition,steps,runtime}/**/*.ts");
    const codes = column(readTable(PAGE, "Failure"), "Failure");
    expect(codes.filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
  });
});
