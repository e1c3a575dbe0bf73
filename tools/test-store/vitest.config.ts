import { defineConfig, mergeConfig } from "vitest/config";
import own from "../../vitest.config.ts";

/** The checks of `npm run test:store`, which are no tests of this repository: somebody's server is on trial. */
export default mergeConfig(
  { ...own, test: { ...own.test, projects: undefined } },
  defineConfig({
    test: {
      include: ["tools/test-store/*.checks.ts"],
      isolate: false,
      // It may be far away.
      testTimeout: 180_000,
    },
  }),
);
