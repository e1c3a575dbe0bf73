import { defineConfig } from "vitest/config";

export default defineConfig({
  // Our packages resolve to their sources; Vitest gives the condition to its workers too, and so to their threads.
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/bin/*.test.ts",
      "bench/**/*.test.ts",
      "tools/**/*.test.ts",
      "e2e/**/*.test.ts",
      "conformance/*.test.ts",
    ],
    // A test file that needs a world of its own makes one; a process a file would take six times as long.
    isolate: false,
    maxWorkers: 2,
    // Guards against a hang; how long anything takes is the business of the bench.
    testTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["packages/engine/src/core/**/*.ts"],
      exclude: ["**/*.test.ts", "**/*.test-d.ts"],
      reporter: ["text-summary", "lcovonly"],
      thresholds: { "packages/engine/src/core/**": { branches: 100 } },
    },
  },
});
