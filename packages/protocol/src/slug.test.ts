import { describe, expect, test } from "vitest";
import { slugOf } from "./slug.ts";

describe("slugOf", () => {
  test.each([
    ["Process Customer Order", "process-customer-order"],
    ["  --A__b!  ", "a-b"],
    ["Größe ändern", "gro-e-andern"],
    ["注文処理", "workflow"],
    ["", "workflow"],
    ["Étape №1", "etape-no1"],
    ["a".repeat(200), "a".repeat(80)],
    [`${"a".repeat(79)} b`, "a".repeat(79)],
    ["../../etc/passwd\u0000", "etc-passwd"],
  ])("makes of %j the slug %s", (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });
});
