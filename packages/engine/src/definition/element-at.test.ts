import { describe, expect, test } from "vitest";
import { elementAt } from "./element-at.ts";

describe("elementAt", () => {
  test("gives what stands there", () => {
    expect(elementAt(["a", "b"], 1)).toBe("b");
  });

  test.each([-1, 2, 0.5])("takes %d for a mistake of ours", (index) => {
    expect(() => elementAt(["a", "b"], index)).toThrow(/Invariant broken: a list of 2 has nothing/);
  });
});
