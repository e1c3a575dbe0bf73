import { join } from "node:path";
import { defineConfig } from "vitest/config";

// The threads of a store strip types anew, each with a WebAssembly module of its own, which is slow and, done in many
// threads at once, has crashed V8 (`jit_page.has_value()`). What was stripped once is kept here; workers inherit it.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules", ".cache", "node");

export default defineConfig({
  // Our packages resolve to their sources; Vitest gives the condition to its workers too, and so to their threads.
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    projects: [
      // Files that start hundreds of processes have one each: small, and with nothing in it that others left behind.
      { extends: true, test: { name: "e2e", include: ["e2e/**/*.test.ts"] } },
      {
        extends: true,
        test: {
          name: "parts",
          include: [
            "packages/*/src/**/*.test.ts",
            "packages/*/bin/*.test.ts",
            "bench/**/*.test.ts",
            "chaos/**/*.test.ts",
            "tools/**/*.test.ts",
            "conformance/*.test.ts",
          ],
          // A test that needs a world of its own makes one; a process a file would take six times as long.
          isolate: false,
        },
      },
    ],
    maxWorkers: 2,
    // Guards against a hang; how long anything takes is the business of the bench.
    testTimeout: 60_000,
    reporters: ["default", "./tools/hang-watch.ts"],
    coverage: {
      provider: "v8",
      include: ["packages/engine/src/core/**/*.ts"],
      exclude: ["**/*.test.ts", "**/*.test-d.ts"],
      reporter: ["text-summary", "lcovonly"],
      thresholds: { "packages/engine/src/core/**": { branches: 100 } },
    },
  },
});
