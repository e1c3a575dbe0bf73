import { DEFAULT_TENANT, type JsonValue, type RunId, type TenantId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aCallStep, aWaitStep, NodeWorld, type Member } from "../testkit/node-world.ts";
import { createStepGate, type StepGate } from "../testkit/step-gate.ts";
import type { FeedItem } from "./run-event.ts";

const shown = (item: FeedItem): string => {
  if (item.type === "run") return `run ${item.run.status}`;
  if (item.type === "end") return `${item.sequence} end ${item.run.status}`;
  const sequence = "sequence" in item ? `${item.sequence} ` : "";
  return `${sequence}${item.type}${"step" in item ? ` ${item.step}` : ""}`;
};

/** A reader who takes one item at a time. */
class Reader {
  readonly #world: NodeWorld;
  readonly #life = new AbortController();
  readonly #feed: AsyncGenerator<FeedItem, void>;

  constructor(world: NodeWorld, { node }: Member, runId: RunId, { after = 0, tenant = "" } = {}) {
    this.#world = world;
    const whose = tenant === "" ? DEFAULT_TENANT : (tenant as TenantId);
    this.#feed = node.runs.watch(whose, runId, { after, signal: this.#life.signal });
  }

  stop(): void {
    this.#life.abort();
  }

  async next(): Promise<string> {
    const { value } = await this.#world.clock.run(this.#feed.next());
    return value === undefined ? "over" : shown(value);
  }

  async rest(): Promise<string[]> {
    const all: string[] = [];
    for (let one = await this.next(); one !== "over"; one = await this.next()) all.push(one);
    return all;
  }
}

interface Stage {
  readonly world: NodeWorld;
  readonly member: Member;
  readonly gate: StepGate;
  readonly runId: RunId;
  readonly reads: () => number;
}

/** A run that stands in the body of its first step. */
async function openStage(steps: readonly JsonValue[]): Promise<Stage> {
  const world = new NodeWorld();
  const gate = createStepGate();
  const { store } = world;
  let reads = 0;
  const storage = {
    ...store,
    read: ((query) => {
      if (query.kind === "run") reads += 1;
      return store.read(query);
    }) as typeof store.read,
  };
  const functions = { a: gate.work, b: gate.work };
  const member = await world.open({ functions, storage });
  const workflow = await world.install(member, steps);
  const runId = await world.start(member, workflow);
  return { world, member, gate, runId, reads: () => reads };
}

describe("RunFeeds", () => {
  test("tells what a run does, entry by entry, and asks the store once", async () => {
    const { world, member, gate, runId, reads } = await openStage([aCallStep("a"), aCallStep("b")]);
    await using _ = world;
    const reader = new Reader(world, member, runId);
    expect(await reader.next()).toBe("run running");
    gate.open(1);
    expect(await reader.next()).toBe("1 step.completed a");
    expect(await reader.next()).toBe("step.started b");
    const before = reads();
    gate.open(2);
    expect(await reader.rest()).toEqual(["2 step.completed b", "3 end completed"]);
    expect([before, reads()]).toEqual([1, 1]);
  });

  test("begins after the entry that a reader knows already, of a run that lives or has ended", async () => {
    const { world, member, gate, runId } = await openStage([aCallStep("a"), aCallStep("b")]);
    await using _ = world;
    const early = new Reader(world, member, runId, { after: 1 });
    expect(await early.next()).toBe("run running");
    gate.open(1);
    expect(await early.next()).toBe("step.started b");
    gate.fail(new Error("broken"));
    expect(await early.rest()).toEqual(["2 step.failed b", "3 end failed"]);
    const late = new Reader(world, member, runId, { after: 1 });
    expect(await late.rest()).toEqual(["run failed", "2 step.failed b", "3 end failed"]);
    const later = new Reader(world, member, runId, { after: 3 });
    expect(await later.rest()).toEqual(["run failed", "3 end failed"]);
  });

  test("follows a run through a long wait, and one that another node moves", async () => {
    const { world, member, gate, runId } = await openStage([
      aCallStep("a"),
      aWaitStep("pause", 60_000),
    ]);
    await using _ = world;
    const other = await world.open();
    const [here, there] = [new Reader(world, member, runId), new Reader(world, other, runId)];
    expect(await there.next()).toBe("run running");
    gate.open(1);
    const all = ["1 step.completed a", "2 step.waiting pause"];
    const end = ["3 step.completed pause", "4 end completed"];
    expect(await here.rest()).toEqual(["run running", ...all, ...end]);
    expect(await there.rest()).toEqual([...all, ...end]);
  });

  test("loses nothing for a reader who takes nothing while much happens", async () => {
    const steps = Array.from({ length: 600 }, (_, i) => aCallStep(`s${i}`, { function: "b" }));
    const { world, member, gate, runId } = await openStage([aCallStep("a"), ...steps]);
    await using _ = world;
    const reader = new Reader(world, member, runId);
    expect(await reader.next()).toBe("run running");
    for (let i = 0; i <= 600; i++) {
      gate.open(i);
      await world.clock.settle();
    }
    await world.ended(member, runId);
    const told = (await reader.rest()).filter((one) => !one.startsWith("step.started"));
    expect(told).toHaveLength(602);
    expect(told.at(-1)).toBe("602 end completed");
    expect(new Set(told).size).toBe(602);
  });

  test("ends for a reader who leaves, and says nothing of another tenant's run", async () => {
    const { world, member, runId } = await openStage([aCallStep("a")]);
    await using _ = world;
    const foreign = new Reader(world, member, runId, { tenant: "other" });
    expect(await foreign.rest()).toEqual([]);
    const reader = new Reader(world, member, runId);
    await reader.next();
    const next = reader.next();
    reader.stop();
    expect(await next).toBe("over");
  });
});
