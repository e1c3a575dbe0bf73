import { expect, test } from "vitest";
import { toAuditSequence } from "./audit-sequence.ts";

const AT = 1_800_000_000_000;

test("later rows stand behind earlier ones, also within a millisecond", () => {
  const sequences = [AT, AT + 1, AT + 2].flatMap((at) =>
    Array.from({ length: 50 }, () => toAuditSequence(at)),
  );
  expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  expect(new Set(sequences).size).toBe(150);
});

test("two processes that begin in one millisecond rarely meet", () => {
  const firsts = Array.from({ length: 100 }, () => {
    toAuditSequence(0);
    return toAuditSequence(AT);
  });
  expect(new Set(firsts).size).toBeGreaterThan(50);
});

test("numbers stay whole until 2039", () => {
  expect(Number.isSafeInteger(toAuditSequence(Date.UTC(2039, 0)))).toBe(true);
});
