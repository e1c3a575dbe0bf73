import { after, DEFAULT_TENANT, TerminalError, toTimestamp, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  ACTOR,
  aCallStep,
  aChildStep,
  aStartRequest,
  aWaitStep,
  NodeWorld,
  type Member,
} from "../testkit/node-world.ts";
import { anEnd, anOffer, ScriptedHost } from "../testkit/scripted-host.ts";
import { DEFAULT_RETENTION, expiryOf, LEAST_KEPT_MS, toRetention } from "./retention.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Longer than an idle node waits between two passes. */
const PASS_MS = 16 * MINUTE_MS;

const AT = toTimestamp(1_800_000_000_000);

const fail = (): never => {
  throw new TerminalError("broken");
};
const FUNCTIONS = { a: () => 1, fail };

describe("toRetention", () => {
  test("keeps completed and cancelled runs for 30 days, failed ones for 90, the audit for 400", () => {
    expect(toRetention({})).toEqual({
      keptMs: { completed: 30 * DAY_MS, failed: 90 * DAY_MS, cancelled: 30 * DAY_MS },
      auditMs: 400 * DAY_MS,
    });
    expect(toRetention({})).toEqual(DEFAULT_RETENTION);
  });

  test("takes durations in text and in ms, and what is for ever", () => {
    const options = { completed: "0s", failed: "forever", cancelled: 5_000, audit: "forever" };
    expect(toRetention(options)).toEqual({
      keptMs: { completed: 0, failed: null, cancelled: 5_000 },
      auditMs: null,
    });
  });

  test.each(["always", "", "-1s", -1, Number.NaN])("refuses %j", (completed) => {
    expect(() => toRetention({ completed })).toThrow(/^`retention.completed`: /);
  });
});

describe("expiryOf", () => {
  const retention = toRetention({ completed: "1h", failed: "forever", cancelled: 0 });

  test.each([
    ["completed", null, after(AT, HOUR_MS)],
    ["failed", null, null],
    ["cancelled", null, after(AT, LEAST_KEPT_MS)],
    ["completed", 2 * HOUR_MS, after(AT, 2 * HOUR_MS)],
    ["failed", DAY_MS, after(AT, DAY_MS)],
    ["failed", 0, after(AT, LEAST_KEPT_MS)],
  ] as const)("of one that %s, whose workflow says %j, is %j", (status, ownMs, expected) => {
    expect(expiryOf({ status, finishedAt: AT }, ownMs, retention)).toBe(expected);
  });
});

const isKept = async ({ node }: Member, runId: RunId): Promise<boolean> =>
  (await node.getRun(DEFAULT_TENANT, runId)) !== null;

async function startEnded(world: NodeWorld, member: Member, workflow: string): Promise<RunId> {
  const runId = await world.start(member, workflow);
  await world.ended(member, runId);
  return runId;
}

describe("a node", () => {
  test("removes each ended run when its class says so, and counts them", async () => {
    await using world = new NodeWorld();
    const retention = { completed: 0, failed: "forever", cancelled: "1h" };
    const member = await world.open({ functions: FUNCTIONS, retention });
    const completed = await startEnded(
      world,
      member,
      await world.install(member, [aCallStep("a")]),
    );
    const failed = await startEnded(
      world,
      member,
      await world.install(member, [aCallStep("fail")]),
    );
    const waiting = await world.install(member, [aWaitStep("w", 3 * HOUR_MS)]);
    const [cancelled, live] = [
      await world.start(member, waiting),
      await world.start(member, waiting),
    ];
    await world.cancel(member, cancelled);
    const kept = (): Promise<readonly boolean[]> =>
      Promise.all([completed, failed, cancelled, live].map((runId) => isKept(member, runId)));
    await world.clock.advance(LEAST_KEPT_MS - 1_000);
    expect(await kept()).toEqual([true, true, true, true]);
    await world.clock.advance(PASS_MS);
    expect(await kept()).toEqual([false, true, true, true]);
    await world.clock.advance(HOUR_MS);
    expect(await kept()).toEqual([false, true, false, true]);
    await world.clock.advance(2 * HOUR_MS);
    expect(await kept()).toEqual([false, true, false, false]);
    expect(member.node.metrics().runsPruned).toBe(3);
  });

  test("keeps what has ended for 30 days, and what has failed for 90, if nobody says anything", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: FUNCTIONS });
    await startEnded(world, member, await world.install(member, [aCallStep("a")]));
    await startEnded(world, member, await world.install(member, [aCallStep("fail")]));
    const kept = world.store.tables.history
      .values()
      .map(({ run, expiresOn }) => [run.status, (expiresOn ?? 0) - run.finishedAt]);
    expect(kept).toEqual([
      ["completed", 30 * DAY_MS],
      ["failed", 90 * DAY_MS],
    ]);
  });

  test("keeps a run as was said when it ended, whatever is said now", async () => {
    await using world = new NodeWorld();
    const first = await world.open({ functions: FUNCTIONS, retention: { completed: "forever" } });
    const workflow = await world.install(first, [aCallStep("a")]);
    const old = await startEnded(world, first, workflow);
    await first.stop();
    const second = await world.open({ functions: FUNCTIONS, retention: { completed: 0 } });
    const young = await startEnded(world, second, workflow);
    await world.clock.advance(PASS_MS);
    expect([await isKept(second, old), await isKept(second, young)]).toEqual([true, false]);
  });

  test("removes nothing while the store is paused, and goes on when it is resumed", async () => {
    await using world = new NodeWorld();
    const retention = { completed: "1h", audit: "1h" };
    const first = await world.open({ functions: FUNCTIONS, retention });
    const runId = await startEnded(world, first, await world.install(first, [aCallStep("a")]));
    await first.stop();
    await world.clock.advance(2 * HOUR_MS);
    const copy = await world.open({ functions: FUNCTIONS, retention, startsPaused: true });
    const { length } = (await copy.node.listAudit(DEFAULT_TENANT, 10)).rows;
    await world.clock.advance(2 * HOUR_MS);
    expect(await isKept(copy, runId)).toBe(true);
    expect((await copy.node.listAudit(DEFAULT_TENANT, 10)).rows).toHaveLength(length);
    await world.clock.run(copy.node.resume(ACTOR));
    await world.clock.advance(PASS_MS);
    expect(await isKept(copy, runId)).toBe(false);
  });

  test("goes on without a pause to speak of when a pass has left something", async () => {
    await using world = new NodeWorld();
    let left = 5;
    const reap: NodeWorld["store"]["reap"] = async () => {
      left -= 1;
      return { freed: 0, pruned: 2_000, isMore: left > 0 };
    };
    const member = await world.open({ storage: { ...world.store, reap } });
    await world.clock.advance(300);
    expect(left).toBe(0);
    expect(member.node.metrics().runsPruned).toBe(10_000);
  });

  test("removes rows of the audit that are too old", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: FUNCTIONS, retention: { audit: "1h" } });
    await world.install(member, [aCallStep("a")]);
    const count = async (): Promise<number> =>
      (await member.node.listAudit(DEFAULT_TENANT, 10)).rows.length;
    await world.clock.advance(HOUR_MS - PASS_MS);
    expect(await count()).toBeGreaterThan(0);
    await world.clock.advance(2 * PASS_MS);
    expect(await count()).toBe(0);
  });
});

describe("a workflow in code that says how long its runs are kept", () => {
  test("is heard before the engine's options", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ retention: { completed: "forever" } });
    const offer = { ...anOffer(), retentionMs: HOUR_MS };
    await ScriptedHost.attach(member.node, {
      script: { begin: [anEnd()] },
      offer: { workflows: [offer] },
    });
    const runId = await startEnded(world, member, offer.name);
    await world.clock.advance(HOUR_MS - MINUTE_MS);
    expect(await isKept(member, runId)).toBe(true);
    await world.clock.advance(PASS_MS + MINUTE_MS);
    expect(await isKept(member, runId)).toBe(false);
  });

  test("makes no new version of those that say nothing", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, { script: { begin: [anEnd()] } });
    const { name } = anOffer();
    const record = await world.store.catalog.get(DEFAULT_TENANT, "workflow", name);
    const version = await world.store.catalog.get(
      DEFAULT_TENANT,
      "workflow-version",
      `${record?.id}#1`,
    );
    expect(version?.body).not.toContain("retentionMs");
  });
});

/** A run that has ended and is gone, and what is said of it. */
describe("a run that is kept no longer", () => {
  async function openGone(): Promise<{
    readonly world: NodeWorld;
    readonly member: Member;
    readonly workflow: string;
    readonly runId: RunId;
  }> {
    const world = new NodeWorld();
    const member = await world.open({ functions: FUNCTIONS, retention: { failed: 0 } });
    const workflow = await world.install(member, [aCallStep("fail")]);
    const runId = await world.start(member, workflow, { idempotencyKey: "k", name: "seven" });
    await world.ended(member, runId);
    await world.clock.advance(PASS_MS);
    return { world, member, workflow, runId };
  }

  test("is not found by a reader, a waiter, its name, a retry or a cancel", async () => {
    const { world, member, runId } = await openGone();
    await using _ = world;
    const { node } = member;
    expect(await node.getRun(DEFAULT_TENANT, runId)).toBeNull();
    expect(await node.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: 1_000 })).toBeNull();
    expect(await node.runs.findNamed(DEFAULT_TENANT, "seven")).toBeNull();
    const retried = { tenant: DEFAULT_TENANT, runId, actor: ACTOR };
    const [retry] = await world.clock.run(node.runs.retry([retried]));
    expect(retry).toMatchObject({ kind: "rejected", error: { code: "run.not-found" } });
    const cancel = await world.cancel(member, runId);
    expect(cancel).toMatchObject({ kind: "rejected", error: { code: "run.not-found" } });
  });

  test.each([false, true])(
    "still answers for its key, and nothing is started (reuse after failure: %j; fault 32)",
    async (reuseAfterFailure) => {
      const { world, member, workflow, runId } = await openGone();
      await using _ = world;
      const again = { idempotencyKey: "k", name: "seven", reuseAfterFailure };
      const message = `Run ${runId} was started by this key; it has ended and is kept no longer`;
      const error = { code: "run.pruned", message };
      const outcome = await world.tryStart(member, workflow, again);
      expect(outcome).toMatchObject({ kind: "rejected", error });
      const [check] = await member.node.runs.check([aStartRequest(workflow, again)]);
      expect(check).toMatchObject({ kind: "rejected", error });
      expect(world.store.tables.runs.size).toBe(0);
      await world.clock.advance(DAY_MS);
      expect(await world.tryStart(member, workflow, again)).toMatchObject({ kind: "created" });
    },
  );

  test("has left its result with its parent, which goes on long after (fault 32)", async () => {
    await using world = new NodeWorld();
    const retention = { completed: 0 };
    const first = await world.open({ functions: FUNCTIONS, retention });
    const child = await world.install(first, [aCallStep("a")], { name: "Child" });
    const parent = await world.install(
      first,
      [aChildStep("c", child), aWaitStep("w", 3 * HOUR_MS)],
      {
        name: "Parent",
        output: "{{steps.c.output}}",
      },
    );
    const runId = await world.start(first, parent);
    await world.clock.advance(2 * HOUR_MS);
    expect(world.store.tables.history.size).toBe(0);
    first.kill();
    const second = await world.open({ functions: FUNCTIONS, retention });
    expect(await world.ended(second, runId, 4 * HOUR_MS)).toMatchObject({
      status: "completed",
      output: 1,
    });
    expect(second.node.metrics().runsFinished).toEqual({ completed: 1, failed: 0, cancelled: 0 });
  });
});
