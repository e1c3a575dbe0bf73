// What the pages print as JSON, TypeScript or a workflow is what Millrace takes.
import { parseJson } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { graphPrograms } from "../packages/engine/src/steps/graph-programs.ts";
import { collect } from "./run.ts";
import { plantFolder } from "./testkit/planted-folder.ts";
import { readFences, readPages, type Fence } from "./testkit/read-docs.ts";
import { GUIDE_PAGES, isObject, readJson } from "./testkit/read-guide.ts";
import { ROOT } from "./workspace.ts";

const FENCES = readPages().flatMap(readFences);
const nameOf = ({ page, line }: Fence): string => `${page}:${line}`;
const inLanguage = (language: string): readonly [name: string, text: string][] =>
  FENCES.filter((it) => it.language === language).map((it) => [nameOf(it), it.text]);

/** A hang guard. */
const LIMIT_MS = 60_000;

function read(text: string): JsonValue {
  const parsed = parseJson(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}

const isObject = (value: JsonValue): value is { readonly [key: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The bodies that shell commands send, and that look like a workflow. */
const SENT = inLanguage("sh").flatMap(([name, text]) =>
  Array.from(text.matchAll(/-d '(\{.*?\})'/gs), ([, body = ""]) => [name, body] as const),
);

const WORKFLOWS = [...inLanguage("json"), ...SENT].flatMap(([name, text]) => {
  const value = read(text);
  if (!isObject(value) || !Array.isArray(value["steps"])) return [];
  // A door takes these away before the definition is read.
  const { id: _, changeSummary: __, expectedVersion: ___, ...definition } = value;
  return [[name, definition] as const];
});

describe("the pages", () => {
  test("print JSON that is JSON", () => {
    for (const [name, text] of [...inLanguage("json"), ...SENT]) {
      expect([name, parseJson(text).ok]).toEqual([name, true]);
    }
  });

  test("print workflows that are accepted without a warning", () => {
    expect(WORKFLOWS.length).toBeGreaterThan(8);
    for (const [name, definition] of WORKFLOWS) {
      const parsed = graphPrograms.parse(definition);
      const problems = parsed.ok ? parsed.warnings : parsed.issues;
      expect([name, problems]).toEqual([name, []]);
    }
  });

  test("print TypeScript that compiles", async () => {
    const blocks = inLanguage("ts");
    expect(blocks.length).toBeGreaterThan(2);
    const files = blocks.map(([name, text]): readonly [string, string] => [
      `${name.replaceAll(/[^a-z0-9]+/gi, "-")}.ts`,
      `${text}\nexport {};\n`,
    ]);
    const settings = {
      extends: `${ROOT}/tsconfig.base.json`,
      compilerOptions: {
        // As far as a reader's own settings go.
        declaration: false,
        isolatedDeclarations: false,
        typeRoots: [`${ROOT}/node_modules/@types`],
        paths: {
          "@millrace/protocol": [`${ROOT}/packages/protocol/src/index.ts`],
          "@millrace/connectors": [`${ROOT}/packages/connectors/src/index.ts`],
          "@millrace/engine": [`${ROOT}/packages/engine/src/index.ts`],
          "@millrace/engine/sqlite": [`${ROOT}/packages/engine/src/sqlite.ts`],
        },
      },
      include: ["*.ts"],
    };
    await using folder = await plantFolder({
      ...Object.fromEntries(files),
      "package.json": '{ "type": "module" }',
      "tsconfig.json": JSON.stringify(settings),
    });
    const printed = collect({
      command: process.execPath,
      args: [`${ROOT}/node_modules/typescript/bin/tsc`, "-p", "."],
      cwd: folder.path,
      env: process.env,
      limitMs: LIMIT_MS,
    });
    expect(await printed).toBe("");
  }, 60_000);
});
