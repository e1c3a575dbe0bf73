import { after, asJsonText, DEFAULT_TENANT, toShard, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { KEEP_ON_MS } from "../pruning.ts";
import type { Held, OutboxMessage, RunHead, RunUnit } from "../storage.ts";
import {
  aDelivery,
  aFinish,
  aHistory,
  aKey,
  anAudit,
  anOutboxMessage,
  aReply,
  aRun,
  aRunUnit,
  aStart,
  headOf,
  refOf,
  T0,
} from "./builders.ts";
import { type Harness, messageOf, only, type OpenStorage } from "./harness.ts";

const KEPT_MS = 1_000;
const EXPIRY = after(T0, KEPT_MS);

/** Runs that have ended, and expire at `EXPIRY`. */
async function seedEnded(h: Harness, runs: readonly RunHead[]): Promise<readonly Held[]> {
  const held = await h.seedHeld(runs);
  await h.commit(...held.map((one) => aFinish(one, [], EXPIRY)));
  return held;
}

/** Ends with a message that is on its way. */
const aSpeakingFinish = (held: Held, message: OutboxMessage): RunUnit => ({
  ...aFinish(held, [], EXPIRY),
  outbox: [message],
});

const isThere = async (h: Harness, { id }: { readonly id: RunId }): Promise<boolean> =>
  (await h.storage.read({ kind: "run", tenant: DEFAULT_TENANT, runId: id })) !== null;

/** As often as the store says that there is more. @returns how many runs each pass has removed */
async function reapAll(h: Harness): Promise<readonly number[]> {
  const passes: number[] = [];
  for (let isMore = true; isMore;) {
    const reaped = await h.storage.reap();
    passes.push(reaped.pruned);
    isMore = reaped.isMore;
  }
  return passes;
}

const startOf = (child: RunHead): OutboxMessage => ({
  id: `start-${child.id}`,
  to: refOf(child),
  content: { kind: "start", run: child },
});

export function retentionSuite(open: OpenStorage): void {
  describe("retention", () => {
    expirySuite(open);
    underWaySuite(open);
    goneSuite(open);
    auditSuite(open);
  });
}

function expirySuite(open: OpenStorage): void {
  test("keeps a run that has ended until it expires, and removes it then", async () => {
    await using h = await open();
    const run = aRun();
    await seedEnded(h, [run]);
    h.clock.advance(KEPT_MS - 1);
    expect(await h.storage.reap()).toEqual({ freed: 0, pruned: 0, isMore: false });
    expect(await isThere(h, run)).toBe(true);
    h.clock.advance(1);
    expect(await h.storage.reap()).toEqual({ freed: 0, pruned: 1, isMore: false });
    expect(await isThere(h, run)).toBe(false);
    expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 0, finished: 0 });
    const page = { kind: "runs", tenant: DEFAULT_TENANT, before: null, limit: 10 } as const;
    expect((await h.storage.read(page)).runs).toEqual([]);
  });

  test("keeps a run without an expiry for ever", async () => {
    await using h = await open();
    const held = only(await h.seedHeld([aRun()]));
    await h.commit(aFinish(held));
    h.clock.advance(1e12);
    expect(await h.storage.reap()).toMatchObject({ pruned: 0 });
    expect(await isThere(h, held.run)).toBe(true);
  });

  test("removes nothing when it is told to keep history", async () => {
    await using h = await open();
    await seedEnded(h, [aRun()]);
    h.clock.advance(KEPT_MS);
    const kept = await h.storage.reap({ auditMs: null, keepsHistory: true });
    expect(kept).toEqual({ freed: 0, pruned: 0, isMore: false });
    expect(await h.storage.reap()).toMatchObject({ pruned: 1 });
  });

  test("removes no run that has not ended, however old (fault 32)", async () => {
    await using h = await open();
    const [waiting, owned, ended] = [aRun(), aRun(), aRun()];
    await h.seed([waiting]);
    await h.seedHeld([owned]);
    await seedEnded(h, [ended]);
    h.clock.advance(1e12);
    expect(await h.storage.reap()).toMatchObject({ freed: 1, pruned: 1 });
    expect(await isThere(h, waiting)).toBe(true);
    expect(await isThere(h, owned)).toBe(true);
    expect(await isThere(h, ended)).toBe(false);
  });

  test("removes many in passes, and says that there is more until the last", async () => {
    await using h = await open();
    const count = 2_100;
    await seedEnded(
      h,
      Array.from({ length: count }, () => aRun()),
    );
    h.clock.advance(KEPT_MS);
    const passes = await reapAll(h);
    expect(Math.max(...passes)).toBeLessThanOrEqual(5_000);
    expect(passes.reduce((sum, pruned) => sum + pruned, 0)).toBe(count);
    expect(await h.storage.read({ kind: "counts" })).toMatchObject({ finished: 0 });
  });

  test("removes each run once when all nodes do it at the same time", async () => {
    await using h = await open();
    await seedEnded(
      h,
      Array.from({ length: 20 }, () => aRun()),
    );
    h.clock.advance(KEPT_MS);
    const reaped = await Promise.all([1, 2, 3].map(() => h.storage.reap()));
    expect(reaped.reduce((sum, { pruned }) => sum + pruned, 0)).toBe(20);
  });
}

function underWaySuite(open: OpenStorage): void {
  test("keeps a run on while what it has said is under way (fault 32)", async () => {
    await using h = await open();
    const parent = aRun();
    const child = aRun({ parent: { runId: parent.id, step: "child" } });
    const held = only(await h.seedHeld([child]));
    const reply = anOutboxMessage("reply", parent);
    await h.commit(aSpeakingFinish(held, reply));
    h.clock.advance(KEPT_MS);
    expect(await h.storage.reap()).toMatchObject({ pruned: 0 });
    expect(await isThere(h, child)).toBe(true);
    await h.commit({ kind: "sent", from: refOf(child), ids: ["reply"] });
    h.clock.advance(KEEP_ON_MS - 1);
    expect(await h.storage.reap()).toMatchObject({ pruned: 0 });
    h.clock.advance(1);
    expect(await h.storage.reap()).toMatchObject({ pruned: 1 });
  });

  test("keeps a child on while its start may come again, which then finds it (fault 32)", async () => {
    await using h = await open();
    const parent = only(await h.seedHeld([aRun()]));
    // Another shard; on a server that sees what its parent has to send.
    const shard = toShard(parent.run.shard + 2);
    const child = aRun({ shard, parent: { runId: parent.run.id, step: "child" } });
    await h.commit(aRunUnit(parent, { outbox: [startOf(child)] }));
    await seedEnded(h, [child]);
    h.clock.advance(KEPT_MS);
    expect(await h.storage.reap()).toMatchObject({ pruned: 0 });
    expect(await h.commit(aStart(child))).toEqual([
      { kind: "existing", runId: child.id, payloadHash: null },
    ]);
    await h.commit({ kind: "sent", from: refOf(parent.run), ids: [`start-${child.id}`] });
    h.clock.advance(KEEP_ON_MS);
    expect(await h.storage.reap()).toMatchObject({ pruned: 1 });
  });

  test("keeps no child on for another child's start, or for its parent's other messages", async () => {
    await using h = await open();
    const parent = only(await h.seedHeld([aRun()]));
    const child = aRun({ parent: { runId: parent.run.id, step: "child" } });
    const other = aRun({ parent: { runId: parent.run.id, step: "other" } });
    const outbox = [startOf(other), anOutboxMessage("m1", child)];
    await h.commit(aRunUnit(parent, { outbox }));
    await seedEnded(h, [child]);
    h.clock.advance(KEPT_MS);
    expect(await h.storage.reap()).toMatchObject({ pruned: 1 });
  });

  test("removes those behind the ones that it keeps on", async () => {
    await using h = await open();
    const held = await h.seedHeld(Array.from({ length: 2_010 }, () => aRun()));
    const [last, ...speaking] = held;
    if (last === undefined) throw new Error("none");
    await h.commit(...speaking.map((one) => aSpeakingFinish(one, anOutboxMessage("m"))));
    await h.commit(aFinish(last, [], after(EXPIRY, 1)));
    h.clock.advance(KEPT_MS + 1);
    expect((await reapAll(h)).reduce((sum, pruned) => sum + pruned, 0)).toBe(1);
    expect(await isThere(h, last.run)).toBe(false);
  });

  test("leaves what a child has said to its parent, which lives on without it (fault 32)", async () => {
    await using h = await open();
    const parent = only(await h.seedHeld([aRun()]));
    const child = aRun({ parent: { runId: parent.run.id, step: "child" } });
    await seedEnded(h, [child]);
    await h.commit(aDelivery(parent.run, aReply("reply", child)));
    h.clock.advance(KEPT_MS);
    expect(await h.storage.reap()).toMatchObject({ pruned: 1 });
    const inbox = await h.storage.read({ kind: "inbox", node: h.node("a"), limit: 10 });
    expect(inbox.map(messageOf)).toEqual([aReply("reply", child)]);
  });
}

/** What still points to a run that is gone. */
function goneSuite(open: OpenStorage): void {
  test("leaves a key, which answers with the run's id as long as it lives (fault 32)", async () => {
    await using h = await open();
    const run = aRun();
    const key = aKey({ expiresAt: after(T0, 2 * KEPT_MS), reusesAfterFailure: true });
    await h.commit(aStart(run, { key, owner: h.node("a") }));
    await h.commit(aFinish(await readHeld(h, run), [], EXPIRY));
    h.clock.advance(KEPT_MS);
    expect(await h.storage.reap()).toMatchObject({ pruned: 1 });
    const repeat = aStart(aRun({ shard: run.shard }), { key });
    const existing = { kind: "existing", runId: run.id, payloadHash: key.payloadHash };
    expect(await h.commit(repeat)).toEqual([existing]);
    const asked = { kind: "key", tenant: run.tenant, scope: key.scope, key: key.key } as const;
    expect(await h.storage.read(asked)).toEqual({
      runId: run.id,
      payloadHash: key.payloadHash,
    });
    h.clock.advance(KEPT_MS);
    expect(await h.commit(repeat)).toEqual([{ kind: "done" }]);
  });

  test("leaves a retry of the run alone, whose journal is its own", async () => {
    await using h = await open();
    const failed = aRun();
    await seedEnded(h, [failed]);
    const retry = aRun({ retryOf: failed.id, input: asJsonText("2") });
    await h.seed([retry]);
    h.clock.advance(KEPT_MS);
    await h.storage.reap();
    const found = await h.storage.read({ kind: "run", tenant: retry.tenant, runId: retry.id });
    expect(found).toMatchObject({ live: { retryOf: failed.id } });
  });

  test("forgets the run's name, and finds an older run of it that is kept", async () => {
    await using h = await open();
    const shard = toShard(7);
    const older = aRun({ name: "order-7", shard, createdAt: T0 });
    const newer = aRun({ name: "order-7", shard, createdAt: after(T0, 1) });
    const held = only(await h.seedHeld([older]));
    await h.commit(aFinish(held, [], after(EXPIRY, KEPT_MS)));
    await seedEnded(h, [newer]);
    const find = (): Promise<RunId | null> =>
      h.storage.read({ kind: "named", tenant: DEFAULT_TENANT, name: "order-7" });
    expect(await find()).toBe(newer.id);
    h.clock.advance(KEPT_MS);
    await h.storage.reap();
    expect(await find()).toBe(older.id);
    h.clock.advance(KEPT_MS);
    await h.storage.reap();
    expect(await find()).toBeNull();
  });

  test("refuses a message to it as to a run that never was", async () => {
    await using h = await open();
    const run = aRun();
    await seedEnded(h, [run]);
    expect(await h.commit(aDelivery(run))).toEqual([{ kind: "refused", code: "run.finished" }]);
    h.clock.advance(KEPT_MS);
    await h.storage.reap();
    expect(await h.commit(aDelivery(run))).toEqual([{ kind: "refused", code: "run.not-found" }]);
  });

  test("answers a repeat of its end as the first time while it is kept", async () => {
    await using h = await open();
    const held = only(await seedEnded(h, [aRun()]));
    await h.storage.reap();
    expect(await h.commit(aFinish(held, [], EXPIRY))).toEqual([{ kind: "done" }]);
    const found = await h.storage.read({
      kind: "run",
      tenant: held.run.tenant,
      runId: held.run.id,
    });
    expect(found).toMatchObject({ finished: headOf(aHistory(held)) });
  });
}

async function readHeld(h: Harness, { tenant, id }: RunHead): Promise<Held> {
  const found = await h.storage.read({ kind: "run", tenant, runId: id });
  if (found === null || !("live" in found)) throw new Error("it does not live");
  return { run: found.live, journal: found.journal, inbox: [] };
}

function auditSuite(open: OpenStorage): void {
  const targets = async (h: Harness): Promise<readonly string[]> => {
    const asked = { kind: "audit", tenant: DEFAULT_TENANT, limit: 10 } as const;
    return (await h.storage.read(asked)).rows.map(({ target }) => target);
  };

  const seedAudit = async (h: Harness): Promise<void> => {
    for (const [target, at] of [
      ["old", T0],
      ["young", after(T0, KEPT_MS)],
    ] as const)
      await h.commit(aStart(aRun(), { audit: anAudit({ target, at }) }));
  };

  test("removes rows of the audit that are older than it is told, and no others", async () => {
    await using h = await open();
    await seedAudit(h);
    h.clock.advance(2 * KEPT_MS);
    await h.storage.reap({ auditMs: 2 * KEPT_MS });
    expect(await targets(h)).toEqual(["young", "old"]);
    h.clock.advance(1);
    await h.storage.reap({ auditMs: 2 * KEPT_MS });
    expect(await targets(h)).toEqual(["young"]);
    await h.commit(aStart(aRun(), { audit: anAudit({ target: "new", at: h.clock.now() }) }));
    expect(await targets(h)).toEqual(["new", "young"]);
  });

  test("leaves the audit alone when it is not told an age", async () => {
    await using h = await open();
    await seedAudit(h);
    h.clock.advance(1e12);
    await h.storage.reap();
    await h.storage.reap({ auditMs: null });
    expect(await targets(h)).toEqual(["young", "old"]);
  });
}
