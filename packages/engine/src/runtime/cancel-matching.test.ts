import { DEFAULT_TENANT, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { ACTOR, aStartRequest, aWaitStep, NodeWorld, type Member } from "../testkit/node-world.ts";
import type { CancelMatchingOutcome, CancelMatchingRequest } from "./run-commands.ts";

const PAGE = 1_000;

interface Bench extends AsyncDisposable {
  readonly world: NodeWorld;
  readonly member: Member;
  readonly ids: readonly RunId[];
  cancel(more?: Partial<CancelMatchingRequest>): Promise<CancelMatchingOutcome>;
  asked(): number;
}

async function aBench(count: number): Promise<Bench> {
  const world = new NodeWorld();
  const member = await world.open({ maxResidentRuns: 10_000 });
  const workflow = await world.install(member, [aWaitStep("w", 3_600_000)]);
  const requests = Array.from({ length: count }, () => aStartRequest(workflow));
  const outcomes = await world.clock.run(member.node.startRuns(requests));
  const request = { tenant: DEFAULT_TENANT, filter: {}, reason: null, actor: ACTOR };
  return {
    world,
    member,
    ids: outcomes.flatMap((it) => (it.kind === "created" ? [it.runId] : [])),
    cancel: (more) => world.clock.run(member.node.runs.cancelMatching({ ...request, ...more })),
    asked: () =>
      [...world.store.tables.runs.values()].filter((run) => run.cancelRequestedAt !== null).length,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

describe("cancelling all that match", () => {
  test("ends at its limit, and goes on from there without asking anybody twice", async () => {
    await using bench = await aBench(2 * PAGE + 10);
    const asked: RunId[] = [];
    let next: RunId | null = null;
    for (let n = 0; n < 3; n++) {
      const more: Partial<CancelMatchingRequest> = next === null ? {} : { before: next };
      const outcome: CancelMatchingOutcome = await bench.cancel({ limit: PAGE, ...more });
      asked.push(...outcome.runIds);
      expect(outcome.isComplete).toBe(n === 2);
      next = outcome.next;
    }
    expect(next).toBeNull();
    expect(asked.toSorted()).toEqual(bench.ids.toSorted());
  });

  test("counts in a dry run what it would ask, and asks nobody", async () => {
    await using bench = await aBench(PAGE + 1);
    const outcome = await bench.cancel({ isDryRun: true });
    expect(outcome).toMatchObject({ requestedCount: PAGE + 1, isComplete: true, next: null });
    expect(bench.asked()).toBe(0);
  });

  test("asks those alone whose id begins so", async () => {
    await using bench = await aBench(20);
    const [first = ""] = bench.ids;
    expect(await bench.cancel({ filter: { idStartsWith: first } })).toMatchObject({
      runIds: [first],
    });
    expect(await bench.cancel({ filter: { idStartsWith: "run_7" } })).toMatchObject({ runIds: [] });
    const shared = first.slice(0, 14);
    // The first has ended.
    expect(await bench.cancel({ filter: { idStartsWith: shared } })).toMatchObject({
      requestedCount: 19,
    });
  });

  test("that was stopped before it began says where to begin", async () => {
    await using bench = await aBench(3);
    const stopped = await bench.cancel({ signal: AbortSignal.abort() });
    expect(stopped).toMatchObject({ requestedCount: 0, isComplete: false });
    if (stopped.next === null) throw new Error("it does not say where to go on");
    expect(await bench.cancel({ before: stopped.next })).toMatchObject({ requestedCount: 3 });
  });
});
