import type { HostCommand, HostReport } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { SILENCE_MS, StallWatch, STOP_GRACE_MS } from "./stall-watch.ts";

const BODY = { session: "run_1/1", key: "a", attempt: 1 } as const;
const ATTEMPT: HostCommand = { type: "attempt", ...BODY };
const ABORT: HostCommand = { type: "abort", ...BODY, reason: "late" };
const ATTEMPTED: HostReport = {
  type: "attempted",
  ...BODY,
  result: { ok: true, output: "1" as never },
};
const HOUR_MS = 3_600_000;

/** Asked at 0, with what was sent before and after. */
function aSilent(...commands: readonly (readonly [HostCommand, number])[]): StallWatch {
  const watch = new StallWatch();
  for (const [command, atMs] of commands) watch.sent(command, atMs);
  watch.asked(0);
  return watch;
}

describe("a process that does not answer", () => {
  test("may compute as long as its step may take", () => {
    expect(aSilent([ATTEMPT, 0]).findStall(HOUR_MS)).toBeNull();
  });

  test("is given up when it was told to stop a step, after a grace", () => {
    const watch = aSilent([ATTEMPT, 0], [ABORT, 1_000]);
    expect(watch.findStall(1_000 + STOP_GRACE_MS - 1)).toBeNull();
    expect(watch.findStall(1_000 + STOP_GRACE_MS)).toContain("told to stop");
  });

  test("has its grace from the moment when it was asked, if that was later", () => {
    const watch = aSilent([ATTEMPT, -HOUR_MS], [ABORT, -HOUR_MS]);
    expect(watch.findStall(STOP_GRACE_MS - 1)).toBeNull();
    expect(watch.findStall(STOP_GRACE_MS)).not.toBeNull();
  });

  test("is given up sooner or later when it runs no step", () => {
    expect(aSilent().findStall(SILENCE_MS - 1)).toBeNull();
    expect(aSilent().findStall(SILENCE_MS)).toContain("runs no step");
  });

  test.for([
    ["its step had ended", (watch: StallWatch) => watch.heard(ATTEMPTED)],
    [
      "its run was closed",
      (watch: StallWatch) =>
        watch.sent({ type: "close", session: BODY.session, reason: "ended" }, 0),
    ],
  ] as const)("runs no step when %s", ([, end]) => {
    const watch = aSilent([ATTEMPT, 0]);
    end(watch);
    expect(watch.findStall(SILENCE_MS)).not.toBeNull();
  });

  test("is well again when it answers", () => {
    const watch = aSilent([ATTEMPT, 0], [ABORT, 0]);
    expect(watch.isFree).toBe(false);
    watch.answered();
    expect([watch.isFree, watch.findStall(HOUR_MS)]).toEqual([true, null]);
    watch.asked(HOUR_MS);
    expect(watch.findStall(HOUR_MS + STOP_GRACE_MS)).toBeNull();
  });
});
