import { describe, expect, test } from "vitest";
import { readOptions } from "./options.ts";

describe("the options of npm run chaos", () => {
  test("name a profile of the nodes, or leave it to the server", () => {
    expect(readOptions(["--profile", "cockroach"])).toMatchObject({ profile: "cockroach" });
    expect(readOptions([])).toMatchObject({ profile: null, minutes: 2, seed: 1 });
  });

  test("name no profile that nobody knows", () => {
    expect(() => readOptions(["--profile", "oracle"])).toThrow(
      '--profile needs one of postgres, citus, yugabyte, cockroach, and not "oracle".',
    );
  });
});
