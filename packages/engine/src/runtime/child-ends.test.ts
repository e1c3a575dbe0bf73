// Ends of children and of their parents, in every order but the usual one.
import { DEFAULT_TENANT, type Run, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aCallStep,
  aChildStep,
  ACTOR,
  aWaitStep,
  NodeWorld,
  type Member,
} from "../testkit/node-world.ts";

const HOUR_MS = 3_600_000;

/** Children among them. */
async function listAll(world: NodeWorld, member: Member): Promise<readonly Run[]> {
  const listed = await member.node.listRuns(DEFAULT_TENANT, { before: null, limit: 10 });
  return Promise.all(listed.map(({ id }) => world.get(member, id)));
}

const childrenOf = (runs: readonly Run[], runId: RunId): readonly Run[] =>
  runs.filter(({ parent }) => parent?.runId === runId);

/** A run that waits for its child. */
async function startPair(
  world: NodeWorld,
  member: Member,
  ofChild: Readonly<Record<string, number>>,
  ofParent: Readonly<Record<string, number>>,
): Promise<RunId> {
  const child = await world.install(member, [aWaitStep("w", HOUR_MS)], ofChild);
  const steps = [aCallStep("first"), aChildStep("c", child), aCallStep("last")];
  const runId = await world.start(member, await world.install(member, steps, ofParent));
  await world.clock.advance(1_000);
  return runId;
}

const calls = (): { readonly seen: string[]; readonly functions: Record<string, () => void> } => {
  const seen: string[] = [];
  return {
    seen,
    functions: { first: () => void seen.push("first"), last: () => void seen.push("last") },
  };
};

describe("a child", () => {
  test("that runs out of time fails its parent's step, and says so (fault 53)", async () => {
    await using world = new NodeWorld();
    const { seen, functions } = calls();
    const member = await world.open({ functions });
    const runId = await startPair(world, member, { timeoutMs: 60_000 }, {});
    expect(await world.ended(member, runId)).toMatchObject({
      status: "failed",
      failure: { code: "child.failed", step: "c", cause: { code: "run.timeout" } },
    });
    expect(seen).toEqual(["first"]);
  });

  test("is cancelled when its parent runs out of time, and no run is left (fault 53)", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: calls().functions });
    const runId = await startPair(world, member, {}, { timeoutMs: 60_000 });
    const parent = await world.ended(member, runId);
    expect(parent).toMatchObject({ status: "failed", failure: { code: "run.timeout" } });
    await world.clock.advance(10_000);
    const children = childrenOf(await listAll(world, member), runId);
    expect(children).toMatchObject([{ status: "cancelled", parent: { step: "c" } }]);
    expect(world.store.tables.runs.size).toBe(0);
    expect(world.store.tables.outbox.size).toBe(0);
  });

  test("goes on when its parent's node dies, and its answer finds the parent elsewhere (fault 53)", async () => {
    await using world = new NodeWorld();
    const { seen, functions } = calls();
    const first = await world.open({ functions });
    const runId = await startPair(world, first, {}, {});
    first.kill();
    const second = await world.open({ functions });
    expect((await world.ended(second, runId, 2 * HOUR_MS)).status).toBe("completed");
    expect(seen).toEqual(["first", "last"]);
    expect(await listAll(world, second)).toHaveLength(2);
  });
});

describe("a retry of a run that was cancelled while it waited for a child", () => {
  test("keeps what was done, starts another child, and leaves the old two as they were (fault 59)", async () => {
    await using world = new NodeWorld();
    const { seen, functions } = calls();
    const member = await world.open({ functions });
    const old = await startPair(world, member, {}, {});
    await world.cancel(member, old);
    await world.ended(member, old);
    await world.clock.advance(10_000);
    const before = await listAll(world, member);
    expect(before.map(({ status }) => status)).toEqual(["cancelled", "cancelled"]);

    const request = { tenant: DEFAULT_TENANT, runId: old, actor: ACTOR };
    const [outcome] = await world.clock.run(member.node.runs.retry([request]));
    if (outcome?.kind !== "created") throw new Error(`not created: ${JSON.stringify(outcome)}`);
    const run = await world.ended(member, outcome.runId, 2 * HOUR_MS);
    expect(run).toMatchObject({ status: "completed", retryOf: old });
    expect(seen).toEqual(["first", "last"]);
    const after = await listAll(world, member);
    expect(after.filter(({ id }) => before.some((it) => it.id === id))).toEqual(before);
    const children = childrenOf(after, outcome.runId);
    expect(children.map(({ status }) => status)).toEqual(["completed"]);
    expect(after).toHaveLength(4);
  });
});
