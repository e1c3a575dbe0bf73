// Signals that come while a body runs: they are journaled, and the body is not begun again for them.
import { asJsonText, DEFAULT_TENANT, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aCallStep, ACTOR, NodeWorld, type Member } from "../testkit/node-world.ts";
import { anEnd, anEventRequest, aRunRequest, ScriptedHost } from "../testkit/scripted-host.ts";
import { createStepGate } from "../testkit/step-gate.ts";

const TIMES = 20;

async function signal(world: NodeWorld, { node }: Member, runId: RunId): Promise<void> {
  const signals = Array.from({ length: TIMES }, (_, n) => ({
    runId,
    name: "paid",
    data: asJsonText(String(n)),
  }));
  const outcomes = await world.clock.run(node.events.signal(DEFAULT_TENANT, signals, ACTOR));
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["signalled"]));
  // Through another node the owner learns of them when it looks.
  await world.clock.advance(2_000);
}

const messagesOf = (world: NodeWorld, runId: RunId): number =>
  (world.store.tables.history.get(runId)?.journal ?? []).filter(({ kind }) => kind === "message")
    .length;

describe("a signal while a step runs", () => {
  test.each(["the node that runs it", "another node"])(
    "through %s does not begin the step again (fault 51)",
    async (through) => {
      await using world = new NodeWorld();
      const gate = createStepGate();
      const owner = await world.open({ functions: { work: gate.work } });
      const other = await world.open({ functions: { work: gate.work }, maxResidentRuns: 0 });
      const runId = await world.start(owner, await world.install(owner, [aCallStep("work")]));
      await signal(world, through === "another node" ? other : owner, runId);
      expect(gate.begun).toHaveLength(1);
      expect(gate.begun[0]?.signal.aborted).toBe(false);
      gate.open("done");
      expect(await world.ended(owner, runId)).toMatchObject({ output: "done" });
      expect([gate.begun.length, messagesOf(world, runId)]).toEqual([1, TIMES]);
    },
  );

  test("does not begin the step of a code run again, and is there for the wait after it (fault 51)", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const host = await ScriptedHost.attach(member.node, {
      script: { begin: [aRunRequest("a")], a: [anEventRequest("wait", "paid")], wait: [anEnd(1)] },
      bodies: { a: () => undefined },
    });
    const attempts = () => host.commands.flatMap((it) => (it.type === "attempt" ? it : []));
    const runId = await world.start(member, "order");
    await world.clock.settle();
    await signal(world, member, runId);
    const [begun, ...more] = attempts();
    if (begun === undefined) throw new Error("no body was begun");
    expect(more).toEqual([]);
    const { session, key, attempt } = begun;
    const result = { ok: true, output: asJsonText("1") } as const;
    host.say({ type: "attempted", session, key, attempt, result });
    expect(await world.ended(member, runId)).toMatchObject({ status: "completed" });
    expect(attempts()).toHaveLength(1);
    expect(host.tasks).toHaveLength(1);
  });
});
