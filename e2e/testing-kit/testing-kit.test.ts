// One body of tests in the three runners that people use.
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { collect } from "../../tools/run.ts";
import { ROOT } from "../../tools/workspace.ts";
import { defineKitTests } from "./kit-tests.ts";

const require = createRequire(import.meta.url);
/** A hang guard. */
const LIMIT_MS = 60_000;

const run = (...args: readonly string[]): Promise<string> =>
  collect({
    command: process.execPath,
    args: ["--conditions=source", ...args],
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: "" },
    limitMs: LIMIT_MS,
  });

describe("the testing kit by Vitest", () => {
  defineKitTests(test);
});

describe("the testing kit by others", () => {
  test(
    "works in node:test",
    async () => {
      const printed = await run("--test", "--test-reporter=tap", "e2e/testing-kit/by-node.ts");
      expect(printed).toMatch(/^# pass 5$/m);
      expect(printed).toMatch(/^# fail 0$/m);
    },
    LIMIT_MS,
  );

  test(
    "works in Jest, from CommonJS as well",
    async () => {
      const jest = require.resolve("jest/bin/jest");
      const config = join(ROOT, "e2e/testing-kit/jest.config.json");
      const flags = ["--no-warnings", "--experimental-vm-modules"];
      const report: unknown = JSON.parse(await run(...flags, jest, "--json", "--config", config));
      expect(report).toMatchObject({ numPassedTests: 6, numTotalTests: 6 });
    },
    LIMIT_MS,
  );
});
