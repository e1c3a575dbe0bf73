import { IDEMPOTENCY_KEY_LIFETIME_MS } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aCallStep, aStartRequest, aWaitStep, NodeWorld } from "../testkit/node-world.ts";

const KEY = { idempotencyKey: "k" };
const functions = { good: () => 1, bad: () => Promise.reject(new Error("no")) };
const aLongWait = aWaitStep("w", 60_000);

describe("a key whose run", () => {
  test.each([
    ["still runs", "running", aLongWait],
    ["has completed", "completed", aCallStep("good")],
    ["has failed", "failed", aCallStep("bad")],
    ["was cancelled", "cancelled", aLongWait],
  ])(
    "%s gives that run again until the key expires, and then a new one (fault 45)",
    async (_, status, step) => {
      await using world = new NodeWorld();
      const member = await world.open({ functions });
      const workflow = await world.install(member, [step]);
      const first = await world.start(member, workflow, KEY);
      if (status === "cancelled") await world.cancel(member, first);
      if (status !== "running") await world.ended(member, first);
      const existing = { kind: "existing", runId: first, status };
      expect(await world.tryStart(member, workflow, KEY)).toMatchObject(existing);
      // Only a failed one may be replaced, and only on request.
      const reuse = { ...aStartRequest(workflow, KEY), reuseAfterFailure: true };
      const [check] = await world.clock.run(member.node.runs.check([reuse]));
      expect(check?.kind).toBe(status === "failed" ? "startable" : "existing");
      // While no node lives, a day passes at once.
      await member.stop();
      await world.clock.advance(IDEMPOTENCY_KEY_LIFETIME_MS);
      const next = await world.tryStart(await world.open({ functions }), workflow, KEY);
      expect(next.kind).toBe("created");
    },
  );
});
