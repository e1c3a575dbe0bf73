// What the pages print as JSON, TypeScript or a workflow is what Millrace takes.
import { parseJson } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { graphPrograms } from "../packages/engine/src/steps/graph-programs.ts";
import { collect } from "./run.ts";
import { plantFolder } from "./testkit/planted-folder.ts";
import { readFences, readPages, type Fence } from "./testkit/read-docs.ts";
import { GUIDE_PAGES, readWorkflow } from "./testkit/read-guide.ts";
import { ROOT } from "./workspace.ts";

const FENCES = readPages().flatMap(readFences);
const nameOf = ({ page, line }: Fence): string => `${page}:${line}`;
const inLanguage = (wanted: string): readonly Fence[] =>
  FENCES.filter(({ language }) => language === wanted);

/** A hang guard. */
const LIMIT_MS = 60_000;

/** The bodies that shell commands send. */
const SENT = inLanguage("sh").flatMap((fence) =>
  Array.from(fence.text.matchAll(/-d '(\{.*?\})'/gs), ([, body = ""]): Fence => {
    return { ...fence, language: "json", text: body };
  }),
);
const PRINTED = [...inLanguage("json"), ...SENT];

/** Those of the guide are run, by `docs-guide.test.ts`. */
const WORKFLOWS = PRINTED.filter(({ page }) => !GUIDE_PAGES.includes(page)).flatMap((fence) => {
  const value = readWorkflow(fence);
  if (value === undefined) return [];
  // A door takes it away before the definition is read.
  const { id: _, changeSummary: __, expectedVersion: ___, ...definition } = value;
  return [[nameOf(fence), definition] as const];
});

describe("the pages", () => {
  test("print JSON that is JSON", () => {
    for (const fence of PRINTED) {
      expect([nameOf(fence), parseJson(fence.text).ok]).toEqual([nameOf(fence), true]);
    }
  });

  test("print workflows that are accepted without a warning", () => {
    expect(WORKFLOWS.length).toBeGreaterThan(5);
    for (const [name, definition] of WORKFLOWS) {
      const parsed = graphPrograms.parse(definition);
      const problems = parsed.ok ? parsed.warnings : parsed.issues;
      expect([name, problems]).toEqual([name, []]);
    }
  });

  test("print TypeScript that compiles", async () => {
    const blocks = inLanguage("ts");
    expect(blocks.length).toBeGreaterThan(2);
    const files = blocks.map((fence): readonly [string, string] => [
      `${nameOf(fence).replaceAll(/[^a-z0-9]+/gi, "-")}.ts`,
      `${fence.text}\nexport {};\n`,
    ]);
    const settings = {
      extends: `${ROOT}/tsconfig.base.json`,
      compilerOptions: {
        // As far as a reader's own settings go.
        declaration: false,
        isolatedDeclarations: false,
        // As Nest has them.
        erasableSyntaxOnly: false,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        typeRoots: [`${ROOT}/node_modules/@types`],
        paths: {
          "@millrace/protocol": [`${ROOT}/packages/protocol/src/index.ts`],
          "@millrace/connectors": [`${ROOT}/packages/connectors/src/index.ts`],
          "@millrace/engine": [`${ROOT}/packages/engine/src/index.ts`],
          "@millrace/engine/sqlite": [`${ROOT}/packages/engine/src/sqlite.ts`],
          "@millrace/nestjs": [`${ROOT}/packages/nestjs/src/index.ts`],
          "@millrace/nestjs/testing": [`${ROOT}/packages/nestjs/src/testing/index.ts`],
          "@nestjs/*": [
            `${ROOT}/node_modules/@nestjs/*/index.d.ts`,
            `${ROOT}/node_modules/@nestjs/*/dist/index.d.ts`,
          ],
          "@millrace/sdk": [`${ROOT}/packages/sdk/src/index.ts`],
          "@millrace/sdk/check": [`${ROOT}/packages/sdk/src/check/index.ts`],
          "@millrace/sdk/client": [`${ROOT}/packages/sdk/src/client/index.ts`],
          "@millrace/sdk/worker": [`${ROOT}/packages/sdk/src/worker/index.ts`],
          "millrace/testing": [`${ROOT}/packages/millrace/src/testing/index.ts`],
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
