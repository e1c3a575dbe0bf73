import { expect, test } from "vitest";
import { AuditTrack } from "./audit-sequence.ts";

const AT = 1_800_000_000_000;

test("later rows stand behind earlier ones, also within a millisecond and from one batch to the next", () => {
  const sequences = [AT, AT, AT + 1, AT + 2].flatMap((at) => {
    const track = new AuditTrack();
    return Array.from({ length: 50 }, () => track.next(at));
  });
  expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  expect(new Set(sequences).size).toBe(200);
});

test("more rows in each millisecond than it has places never share one", () => {
  const track = new AuditTrack();
  const sequences = [AT + 10, AT + 11, AT + 12].flatMap((at) =>
    Array.from({ length: 5_000 }, () => track.next(at)),
  );
  expect(new Set(sequences).size).toBe(15_000);
  expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
});

test("rows of a clock that was set back stand at their own time", () => {
  const track = new AuditTrack();
  const earlier = AT - 3_600_000;
  expect(track.next(AT + 1_000)).toBeGreaterThan(track.next(earlier));
  expect(track.next(earlier + 1)).toBeLessThan(new AuditTrack().next(AT));
});

test("two processes that begin in one millisecond rarely meet", () => {
  const firsts = Array.from({ length: 100 }, () => {
    new AuditTrack().next(0);
    return new AuditTrack().next(AT);
  });
  expect(new Set(firsts).size).toBeGreaterThan(50);
});

test("numbers stay whole until 2039", () => {
  expect(Number.isSafeInteger(new AuditTrack().next(Date.UTC(2039, 0)))).toBe(true);
});
