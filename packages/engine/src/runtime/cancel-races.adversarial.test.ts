// Forces both orders of a cancel and the end of its run, at the commit that decides.
import { describe, expect, test } from "vitest";
import type { Unit } from "../storage/storage.ts";
import { hasEntries, HeldCommits } from "../testkit/held-commits.ts";
import { aCallStep, NodeWorld, type Member } from "../testkit/node-world.ts";
import { createStepGate, type StepGate } from "../testkit/step-gate.ts";

interface Race {
  readonly world: NodeWorld;
  readonly commits: HeldCommits;
  readonly gate: StepGate;
  /** Moves the run; its commits are the ones that are held. */
  readonly owner: Member;
  readonly other: Member;
}

async function open(): Promise<Race & AsyncDisposable> {
  const world = new NodeWorld();
  const commits = new HeldCommits(world.store);
  const gate = createStepGate();
  const functions = { a: gate.work, b: gate.work };
  const owner = await world.open({ functions, storage: commits.storage });
  const other = await world.open({ functions, maxResidentRuns: 0 });
  return {
    world,
    commits,
    gate,
    owner,
    other,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

const isFinish = (units: readonly Unit[]): boolean =>
  units.some((unit) => unit.kind === "run" && unit.next.kind === "finish");

describe("a cancel that meets the end of its run", () => {
  test("is told that the run has ended where the end is stored first (fault 48)", async () => {
    await using race = await open();
    const { world, commits, gate, owner, other } = race;
    const runId = await world.start(owner, await world.install(owner, [aCallStep("a")]));
    commits.point = isFinish;
    gate.open("done");
    await world.clock.settle();
    // The end is on its way, and nobody can know it yet.
    expect((await world.get(other, runId)).status).toBe("running");
    commits.release();
    expect(await world.cancel(other, runId)).toMatchObject({
      kind: "rejected",
      error: { code: "run.finished" },
    });
    expect(await world.ended(owner, runId)).toMatchObject({ status: "completed", output: "done" });
    await world.clock.advance(10_000);
    expect(await world.get(other, runId)).toMatchObject({
      status: "completed",
      cancelRequestedAt: null,
    });
  });

  test("that is stored while the end is on its way does not change it, whenever its node hears of it (fault 48)", async () => {
    await using race = await open();
    const { world, commits, gate, owner, other } = race;
    const runId = await world.start(owner, await world.install(owner, [aCallStep("a")]));
    commits.point = isFinish;
    gate.open("done");
    await world.clock.settle();
    expect(await world.cancel(other, runId)).toEqual({ kind: "requested" });
    const waited = world.ended(other, runId);
    commits.release();
    const run = await waited;
    expect(run).toMatchObject({ status: "completed", output: "done" });
    await world.clock.advance(10_000);
    expect(await world.get(owner, runId)).toEqual(run);
    expect(gate.begun).toHaveLength(1);
    expect(world.store.tables.runs.size).toBe(0);
  });

  test("that is stored while an earlier result is on its way ends the run as cancelled (fault 48)", async () => {
    await using race = await open();
    const { world, commits, gate, owner, other } = race;
    const steps = [aCallStep("a"), aCallStep("b")];
    const runId = await world.start(owner, await world.install(owner, steps));
    commits.point = hasEntries;
    gate.open("done");
    await world.clock.settle();
    expect(commits.held).toHaveLength(1);
    expect(await world.cancel(other, runId)).toEqual({ kind: "requested" });
    commits.release();
    const run = await world.ended(other, runId);
    expect(run).toMatchObject({
      status: "cancelled",
      steps: [{ key: "a", status: "completed", output: "done" }, { key: "b" }],
    });
    expect(run.cancelRequestedAt).not.toBeNull();
    gate.open("too late");
    await world.clock.advance(10_000);
    expect(await world.get(owner, runId)).toEqual(run);
  });
});
