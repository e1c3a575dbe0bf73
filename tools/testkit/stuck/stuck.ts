import { expect, test } from "vitest";

test("never comes back to its event loop, and so not to its time limit", () => {
  const word = new Int32Array(new SharedArrayBuffer(4));
  expect(Atomics.wait(word, 0, 0)).toBe("never");
});
