import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["stuck.ts"],
    reporters: [["../../hang-watch.ts", { limitMs: 2_000 }]],
  },
});
