import { after, asJsonText, toShard, type WorkflowId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aFinish,
  aHistory,
  aKey,
  anAudit,
  aPut,
  aResult,
  aRun,
  aRunUnit,
  aStart,
  dueOf,
  headOf,
  T0,
} from "./builders.ts";
import { only, OTHER_TENANT, type OpenStorage } from "./harness.ts";

export function startSuite(open: OpenStorage): void {
  describe("start", () => {
    test("stores a run that waits until it is due", async () => {
      await using h = await open();
      const run = aRun();
      expect(await h.commit(aStart(run, { dueAt: after(T0, 10) }))).toEqual([{ kind: "done" }]);
      expect(await h.storage.read({ kind: "run", tenant: run.tenant, runId: run.id })).toEqual({
        live: {
          ...run,
          status: "pending",
          owner: null,
          fence: 1,
          wake: 0,
          dueAt: after(T0, 10),
          recoveries: 0,
          waitingOn: null,
          cancelRequestedAt: null,
          startedAt: null,
        },
        journal: [],
      });
    });

    test("gives a run to its owner from its first moment", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aStart(run, { owner: h.node("a") }));
      const found = await h.storage.read({ kind: "run", tenant: run.tenant, runId: run.id });
      expect(found).toMatchObject({
        live: {
          status: "running",
          owner: h.node("a"),
          fence: 1,
          dueAt: null,
          startedAt: run.createdAt,
        },
      });
      expect((await h.storage.findDue(null, 10)).runs).toEqual([]);
    });

    test("keeps every field of a run's head", async () => {
      await using h = await open();
      const run = aRun({
        workspace: "ws",
        user: "user-1",
        workflowVersion: 3,
        trigger: "subworkflow",
        priority: 3,
        input: asJsonText('{"text":"é 🚲 \\u0000"}'),
        metadata: asJsonText('{"a":"b"}'),
        parent: { runId: aRun().id, step: "child#2" },
        retryOf: aRun().id,
        depth: 2,
        caller: "key_1",
        deadlineAt: after(T0, 99),
      });
      await h.commit(aStart(run));
      const found = await h.storage.read({ kind: "run", tenant: run.tenant, runId: run.id });
      expect(found).toMatchObject({ live: run });
    });

    test("answers each unit in the order given", async () => {
      await using h = await open();
      const [one, two] = [aRun(), aRun()];
      await h.commit(aStart(one));
      expect(await h.commit(aStart(two), aStart(one), aStart())).toEqual([
        { kind: "done" },
        { kind: "existing", runId: one.id, payloadHash: null },
        { kind: "done" },
      ]);
    });

    test("answers a key that is known with its run and the first payload, and writes nothing", async () => {
      await using h = await open();
      const [first, second] = [aRun({ shard: toShard(7) }), aRun({ shard: toShard(7) })];
      await h.commit(aStart(first, { key: aKey() }));
      const again = aStart(second, { key: aKey({ payloadHash: "hash-2" }) });
      const existing = { kind: "existing", runId: first.id, payloadHash: "hash-1" };
      expect(await h.commit(again)).toEqual([existing]);
      expect(
        await h.storage.read({ kind: "run", tenant: second.tenant, runId: second.id }),
      ).toBeNull();
    });

    test("gives one run to two units of one commit with the same key (fault 43)", async () => {
      await using h = await open();
      const [first, second] = [aRun({ shard: toShard(7) }), aRun({ shard: toShard(7) })];
      const key = aKey();
      expect(await h.commit(aStart(first, { key }), aStart(second, { key }))).toEqual([
        { kind: "done" },
        { kind: "existing", runId: first.id, payloadHash: "hash-1" },
      ]);
    });

    test("finds the run of a key after the run has finished", async () => {
      await using h = await open();
      const first = aRun({ shard: toShard(7) });
      await h.commit(aStart(first, { key: aKey() }));
      const held = only(await h.storage.take(h.node("a"), [dueOf(first)]));
      await h.commit(aFinish(held));
      const again = aStart(aRun({ shard: toShard(7) }), { key: aKey() });
      expect(await h.commit(again)).toMatchObject([{ kind: "existing", runId: first.id }]);
    });

    test("takes a key for unknown when it has expired, and replaces it (fault 45)", async () => {
      await using h = await open();
      const [first, second] = [aRun({ shard: toShard(7) }), aRun({ shard: toShard(7) })];
      await h.commit(aStart(first, { key: aKey({ expiresAt: after(T0, 10) }) }));
      h.clock.advance(10);
      const key = aKey({ payloadHash: "hash-2", expiresAt: after(T0, 20) });
      expect(await h.commit(aStart(second, { key }))).toEqual([{ kind: "done" }]);
      expect(await h.commit(aStart(aRun({ shard: toShard(7) }), { key }))).toEqual([
        { kind: "existing", runId: second.id, payloadHash: "hash-2" },
      ]);
    });

    test.each([
      ["another key", { key: aKey({ key: "k2" }) }, {}],
      ["another scope", { key: aKey({ scope: "wf_other" }) }, {}],
      ["another tenant", { key: aKey() }, { tenant: OTHER_TENANT }],
    ])("starts a run of its own for %s", async (_, unit, head) => {
      await using h = await open();
      await h.commit(aStart(aRun(), { key: aKey() }));
      expect(await h.commit(aStart(aRun(head), unit))).toEqual([{ kind: "done" }]);
    });

    test("begins with the journal that it takes over, once, however often it is sent", async () => {
      await using h = await open();
      const run = aRun();
      const entries = [aResult("a"), aResult("b")];
      const unit = aStart(run, { owner: h.node("a"), entries, audit: anAudit() });
      expect(await h.commit(unit, unit)).toEqual([{ kind: "done" }, { kind: "done" }]);
      const { tenant, id: runId } = run;
      const query = { kind: "run", tenant, runId } as const;
      const found = await h.storage.read(query);
      if (found === null || !("live" in found)) throw new Error("it is live");
      const held = { run: found.live, journal: found.journal, inbox: [] };
      const more = aRunUnit(held, { entries: [aResult("c")] });
      expect(await h.commit(more)).toEqual([{ kind: "done" }]);
      expect(await h.storage.read(query)).toMatchObject({ journal: [...entries, aResult("c")] });
      expect((await h.storage.read({ kind: "audit", tenant, limit: 9 })).rows).toHaveLength(1);
    });

    test("hands the journal that a run takes over to whoever takes the run", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aStart(run, { entries: [aResult("a")] }));
      const held = only(await h.storage.take(h.node("a"), [dueOf(run)]));
      expect(held.journal).toEqual([aResult("a")]);
    });

    test.each([
      ["failed", "done"],
      ["cancelled", "existing"],
      ["completed", "existing"],
      [null, "existing"],
    ] as const)("gives the key of a run that is %s away only on request", async (status, kind) => {
      await using h = await open();
      const [first, second] = [aRun({ shard: toShard(7) }), aRun({ shard: toShard(7) })];
      await h.commit(aStart(first, { key: aKey() }));
      if (status !== null) {
        const held = only(await h.storage.take(h.node("a"), [dueOf(first)]));
        const history = aHistory(held, { status });
        await h.commit(
          aRunUnit(held, { next: { kind: "finish", history, journal: [], expiresOn: null } }),
        );
      }
      expect(await h.commit(aStart(second, { key: aKey() }))).toMatchObject([
        { kind: "existing", runId: first.id },
      ]);
      const key = aKey({ payloadHash: "hash-2", reusesAfterFailure: true });
      expect(await h.commit(aStart(second, { key }))).toMatchObject([{ kind }]);
      const third = aStart(aRun({ shard: toShard(7) }), { key: aKey() });
      const stands = kind === "done" ? second.id : first.id;
      expect(await h.commit(third)).toMatchObject([{ kind: "existing", runId: stands }]);
    });

    test("answers a repeat done while its node owns the run since then", async () => {
      await using h = await open();
      const unit = aStart(aRun(), { owner: h.node("a"), key: aKey() });
      expect(await h.commit(unit)).toEqual([{ kind: "done" }]);
      expect(await h.commit(unit)).toEqual([{ kind: "done" }]);
      expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 1 });
    });

    test("answers a repeat with its own id when nobody owns the run since its start", async () => {
      await using h = await open();
      const run = aRun();
      const existing = { kind: "existing", runId: run.id, payloadHash: null };
      await h.commit(aStart(run, { key: aKey() }));
      expect(await h.commit(aStart(run, { key: aKey() }))).toEqual([existing]);
      await h.storage.take(h.node("a"), [dueOf(run)]);
      expect(await h.commit(aStart(run, { owner: h.node("a") }))).toEqual([existing]);
    });

    test("answers a repeat with its own id when another node owns the run since its start", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aStart(run, { owner: h.node("b") }));
      expect(await h.commit(aStart(run, { owner: h.node("a") }))).toEqual([
        { kind: "existing", runId: run.id, payloadHash: null },
      ]);
    });

    test("answers a repeat with its own id when the run has finished", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aFinish(held));
      expect(await h.commit(aStart(held.run, { owner: h.node("a") }))).toEqual([
        { kind: "existing", runId: held.run.id, payloadHash: null },
      ]);
      expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 0, finished: 1 });
    });
  });

  describe("start with a name", () => {
    const shard = toShard(7);

    test("is answered with the live run of that name, and writes nothing (fault 46)", async () => {
      await using h = await open();
      const first = aRun({ name: "order-7", shard });
      expect(await h.commit(aStart(first))).toEqual([{ kind: "done" }]);
      const second = aRun({ name: "order-7", shard });
      const key = aKey();
      expect(await h.commit(aStart(second, { key }))).toEqual([{ kind: "named", runId: first.id }]);
      const { tenant } = first;
      expect(
        await h.storage.read({ kind: "key", tenant, scope: key.scope, key: key.key }),
      ).toBeNull();
      expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 1 });
    });

    test("finds two of one batch out, and one that is sent again", async () => {
      await using h = await open();
      const [first, second] = [aRun({ name: "n", shard }), aRun({ name: "n", shard })];
      expect(await h.commit(aStart(first), aStart(second))).toEqual([
        { kind: "done" },
        { kind: "named", runId: first.id },
      ]);
      expect(await h.commit(aStart(first))).toEqual([
        { kind: "existing", runId: first.id, payloadHash: null },
      ]);
    });

    test("that was accepted before is told so, though another run has its name by now", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun({ name: "n", shard })]));
      await h.commit(aFinish(held));
      await h.commit(aStart(aRun({ name: "n", shard })));
      const runId = held.run.id;
      expect(await h.commit(aStart(headOf(held.run)))).toEqual([
        { kind: "existing", runId, payloadHash: null },
      ]);
    });

    test("may have the name of a run that has ended, and of another tenant's (fault 46)", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun({ name: "n", shard })]));
      await h.commit(aFinish(held));
      await h.commit(aStart(aRun({ name: "n", shard, tenant: OTHER_TENANT })));
      const { tenant } = held.run;
      expect(await h.storage.read({ kind: "named", tenant, name: "n" })).toBe(held.run.id);
      const next = aRun({ name: "n", shard });
      expect(await h.commit(aStart(next))).toEqual([{ kind: "done" }]);
      expect(await h.storage.read({ kind: "named", tenant, name: "n" })).toBe(next.id);
      expect(await h.storage.read({ kind: "named", tenant, name: "m" })).toBeNull();
    });
  });

  describe("start of a workflow's revision", () => {
    const workflowId = "wf_orders" as WorkflowId;

    test("starts when the catalog has that revision now", async () => {
      await using h = await open();
      await h.storage.catalog.put([aPut({ id: workflowId })], null);
      const unit = aStart(aRun({ workflowId }), { workflowRevision: 1 });
      expect(await h.commit(unit)).toEqual([{ kind: "done" }]);
    });

    test("is refused when the workflow has changed or gone, and leaves no key behind", async () => {
      await using h = await open();
      const unit = aStart(aRun({ workflowId }), { workflowRevision: 1, key: aKey() });
      const refused = { kind: "refused", code: "workflow.changed" };
      expect(await h.commit(unit)).toEqual([refused]);
      await h.storage.catalog.put([aPut({ id: workflowId })], null);
      await h.storage.catalog.put([aPut({ id: workflowId, expectedRevision: 1 })], null);
      expect(await h.commit(unit)).toEqual([refused]);
      const { tenant } = unit.run;
      expect(
        await h.storage.read({ kind: "key", tenant, scope: "wf_orders", key: "k1" }),
      ).toBeNull();
      expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 0 });
    });

    test("is refused by another tenant's workflow of the same id", async () => {
      await using h = await open();
      await h.storage.catalog.put([aPut({ id: workflowId, tenant: OTHER_TENANT })], null);
      const unit = aStart(aRun({ workflowId }), { workflowRevision: 1 });
      expect(await h.commit(unit)).toMatchObject([{ kind: "refused" }]);
    });

    test("finds an accepted start by key or id before it looks at the revision", async () => {
      await using h = await open();
      await h.storage.catalog.put([aPut({ id: workflowId })], null);
      const run = aRun({ workflowId, shard: toShard(7) });
      await h.commit(aStart(run, { workflowRevision: 1, key: aKey() }));
      await h.storage.catalog.put([aPut({ id: workflowId, expectedRevision: 1 })], null);
      const other = aRun({ workflowId, shard: toShard(7) });
      expect(
        await h.commit(
          aStart(run, { workflowRevision: 1 }),
          aStart(other, { workflowRevision: 1, key: aKey() }),
        ),
      ).toMatchObject([
        { kind: "existing", runId: run.id },
        { kind: "existing", runId: run.id },
      ]);
    });
  });
}
