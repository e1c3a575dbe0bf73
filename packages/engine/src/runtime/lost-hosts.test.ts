import type { Run } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { NodeWorld, type Member } from "../testkit/node-world.ts";
import { anEnd, aRunRequest, ScriptedHost, type Script } from "../testkit/scripted-host.ts";

const NEVER = { a: () => undefined, undo: () => undefined };
/** Longer than any wait between two losses, and shorter than a step may take. */
const LONG_MS = 30_000;
/** Its first step is done, so that there is something to undo. */
const UNDONE: Script = {
  begin: [aRunRequest("first")],
  first: [aRunRequest("a")],
  stop: [aRunRequest("undo")],
};
const ONE_STEP: Script = { begin: [aRunRequest("a")], a: [anEnd("done")] };

const waitingOn = (run: Run): unknown => ("waitingOn" in run ? run.waitingOn : undefined);

/** Attaches a host, lets it begin what it can, and loses it. @returns the tasks it was given */
async function loseOne(world: NodeWorld, member: Member, script = ONE_STEP): Promise<number> {
  const host = await ScriptedHost.attach(member.node, { script, bodies: NEVER });
  await world.clock.advance(LONG_MS);
  await host.close();
  await world.clock.settle();
  return host.tasks.length;
}

/** A host that brings its run up to its rollback, and goes with its node. */
async function killUndoing(world: NodeWorld): Promise<void> {
  const member = await world.open();
  await ScriptedHost.attach(member.node, { script: UNDONE, bodies: NEVER });
  await world.clock.advance(LONG_MS);
  member.kill();
}

describe("a code run that loses its host again and again", () => {
  test("without getting further is set aside, with the step that it was at", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await (await ScriptedHost.attach(member.node, { script: ONE_STEP })).close();
    const runId = await world.start(member, "order");
    const given: number[] = [];
    for (let n = 0; n < 6; n++) given.push(await loseOne(world, member));
    expect(given).toEqual([1, 1, 1, 1, 1, 0]);
    expect(waitingOn(await world.get(member, runId))).toEqual({ kind: "quarantine", step: "a" });
  });

  test("can be cancelled when it was set aside", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await (await ScriptedHost.attach(member.node, { script: ONE_STEP })).close();
    const runId = await world.start(member, "order");
    for (let n = 0; n < 5; n++) await loseOne(world, member);
    const script = {
      begin: [],
      stop: [{ kind: "end", outcome: { status: "cancelled" } } as const],
    };
    await ScriptedHost.attach(member.node, { script });
    await world.cancel(member, runId);
    expect((await world.ended(member, runId)).status).toBe("cancelled");
  });

  test("while it is undone fails, since no cancel could end it a second time", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await (await ScriptedHost.attach(member.node, { script: ONE_STEP })).close();
    const runId = await world.start(member, "order");
    await loseOne(world, member, UNDONE);
    await world.cancel(member, runId);
    for (let n = 0; n < 6; n++) await loseOne(world, member, UNDONE);
    expect(await world.ended(member, runId)).toMatchObject({
      status: "failed",
      failure: { code: "run.rollback-lost" },
    });
  });

  test("and its node each time, while it is undone, fails as well", async () => {
    await using world = new NodeWorld();
    const first = await world.open();
    await ScriptedHost.attach(first.node, { script: UNDONE, bodies: NEVER });
    const runId = await world.start(first, "order");
    await world.clock.settle();
    await world.cancel(first, runId);
    await world.clock.settle();
    first.kill();
    for (let n = 0; n < 5; n++) await killUndoing(world);
    const last = await world.open();
    const host = await ScriptedHost.attach(last.node, { script: UNDONE });
    expect(await world.ended(last, runId)).toMatchObject({
      status: "failed",
      failure: { code: "run.rollback-lost" },
    });
    expect(host.tasks).toEqual([]);
  });

  test("and only waited there is never set aside", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await (await ScriptedHost.attach(member.node, { script: {} })).close();
    const runId = await world.start(member, "order");
    for (let n = 0; n < 30; n++) expect(await loseOne(world, member, { begin: [] })).toBe(1);
    await ScriptedHost.attach(member.node, { script: { begin: [anEnd("done")] } });
    expect(await world.ended(member, runId, LONG_MS)).toMatchObject({ output: "done" });
  });

  test("beside one that began later is not set aside for it", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await (await ScriptedHost.attach(member.node, { script: ONE_STEP })).close();
    const bystander = await world.start(member, "order");
    for (let n = 0; n < 8; n++) {
      const host = await ScriptedHost.attach(member.node, { script: ONE_STEP, bodies: NEVER });
      await world.clock.advance(LONG_MS / 2);
      await world.start(member, "order");
      await world.clock.settle();
      await host.close();
    }
    await ScriptedHost.attach(member.node, { script: ONE_STEP });
    expect(await world.ended(member, bystander)).toMatchObject({ output: "done" });
  });

  test("by another's fault is never set aside", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await (await ScriptedHost.attach(member.node, { script: ONE_STEP })).close();
    const runId = await world.start(member, "order");
    for (let n = 0; n < 8; n++) {
      const host = await ScriptedHost.attach(member.node, { script: ONE_STEP, bodies: NEVER });
      await world.clock.advance(LONG_MS);
      expect(host.tasks).toHaveLength(1);
      await host.close(["another"]);
    }
    await ScriptedHost.attach(member.node, { script: ONE_STEP });
    expect(await world.ended(member, runId)).toMatchObject({ output: "done" });
  });

  test("begins to count anew when it gets further", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await (await ScriptedHost.attach(member.node, { script: ONE_STEP })).close();
    const runId = await world.start(member, "order");
    for (let n = 0; n < 4; n++) await loseOne(world, member);
    const further: Script = {
      begin: [aRunRequest("a")],
      a: [aRunRequest("b")],
      b: [anEnd("done")],
    };
    for (let n = 0; n < 4; n++) {
      const bodies = { b: () => undefined };
      const host = await ScriptedHost.attach(member.node, { script: further, bodies });
      await world.clock.advance(LONG_MS);
      await host.close();
    }
    await ScriptedHost.attach(member.node, { script: further });
    expect(await world.ended(member, runId)).toMatchObject({ output: "done" });
  });
});
