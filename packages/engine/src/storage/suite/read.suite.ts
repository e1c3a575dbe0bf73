import { after, DEFAULT_TENANT, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aDelivery,
  aFinish,
  aKey,
  aMessage,
  anAudit,
  anOutboxMessage,
  aPark,
  aRun,
  aRunUnit,
  aStart,
  refOf,
  T0,
} from "./builders.ts";
import { only, OTHER_TENANT, type Harness, type OpenStorage } from "./harness.ts";

const tenant = DEFAULT_TENANT;

async function listed(h: Harness, before: RunId | null, limit = 10): Promise<readonly RunId[]> {
  const { runs } = await h.storage.read({ kind: "runs", tenant, before, limit });
  return runs.map(({ id }) => id);
}

export function readSuite(open: OpenStorage): void {
  describe("read", () => {
    test("finds no run that is not there or is another tenant's, live or finished", async () => {
      await using h = await open();
      const [live, ended] = await h.seedHeld([aRun(), aRun()]);
      if (live === undefined || ended === undefined) throw new Error("both are held");
      await h.commit(aFinish(ended));
      const ids = [aRun().id, live.run.id, ended.run.id];
      for (const runId of ids) {
        expect(await h.storage.read({ kind: "run", tenant: OTHER_TENANT, runId })).toBeNull();
      }
      expect(await h.storage.read({ kind: "run", tenant, runId: aRun().id })).toBeNull();
    });

    test("lists live and finished runs newest first, page by page", async () => {
      await using h = await open();
      const runs = [1, 2, 3, 4, 5].map((n) => aRun({ createdAt: after(T0, n) }));
      const held = await h.seedHeld(runs);
      await h.commit(...held.filter((_, i) => i % 2 === 0).map((it) => aFinish(it)));
      const expected = runs.map(({ id }) => id).toReversed();
      expect(await listed(h, null)).toEqual(expected);
      const first = await listed(h, null, 2);
      expect(first).toEqual(expected.slice(0, 2));
      expect(await listed(h, first.at(-1) ?? null, 2)).toEqual(expected.slice(2, 4));
      expect(await listed(h, expected.at(-1) ?? null, 2)).toEqual([]);
    });

    test("lists the runs of one tenant only", async () => {
      await using h = await open();
      const mine = aRun();
      await h.commit(aStart(mine), aStart(aRun({ tenant: OTHER_TENANT })));
      expect(await listed(h, null)).toEqual([mine.id]);
    });

    test("shows in a list what a run is and waits for", async () => {
      await using h = await open();
      const [waits, ends] = await h.seedHeld([
        aRun({ createdAt: after(T0, 1), workflowVersion: 2, workspace: "north" }),
        aRun({ trigger: "manual", user: "ada" }),
      ]);
      if (waits === undefined || ends === undefined) throw new Error("both are held");
      const waitingOn = { kind: "timer", step: "s", until: after(T0, 9) } as const;
      const next = aPark(waits, { dueAt: after(T0, 9), waitingOn });
      await h.commit(aRunUnit(waits, { next }), aFinish(ends));
      const { id, workflowId, createdAt } = waits.run;
      const { runs } = await h.storage.read({ kind: "runs", tenant, before: null, limit: 5 });
      expect(runs).toEqual([
        {
          id,
          workspace: "north",
          user: null,
          workflowId,
          workflowVersion: 2,
          status: "running",
          trigger: "api",
          createdAt,
          startedAt: T0,
          finishedAt: null,
          waitingOn,
        },
        {
          id: ends.run.id,
          workspace: null,
          user: "ada",
          workflowId,
          workflowVersion: 1,
          status: "completed",
          trigger: "manual",
          createdAt: T0,
          startedAt: T0,
          finishedAt: after(T0, 5),
          waitingOn: null,
        },
      ]);
    });

    test("finds the run of a key until the key expires", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aStart(run, { key: aKey({ expiresAt: after(T0, 10) }) }));
      const query = { kind: "key", tenant, scope: "wf_orders", key: "k1" } as const;
      expect(await h.storage.read(query)).toEqual({ runId: run.id, payloadHash: "hash-1" });
      expect(await h.storage.read({ ...query, tenant: OTHER_TENANT })).toBeNull();
      h.clock.advance(10);
      expect(await h.storage.read(query)).toBeNull();
    });

    test("lists the messages that wait for a node's own runs", async () => {
      await using h = await open();
      const [mine, theirs, parked] = [aRun(), aRun(), aRun()];
      const held = only(await h.seedHeld([mine]));
      await h.seedHeld([theirs], { by: h.node("b") });
      await h.seed([parked]);
      await h.commit(...[mine, theirs, parked].map((run) => aDelivery(run, aMessage("m1"))));
      await h.commit(aDelivery(mine, aMessage("z2")), aDelivery(mine, aMessage("m3")));
      await h.commit(aRunUnit(held, { consumed: ["m1"] }));
      const to = refOf(mine);
      const query = { kind: "inbox", node: h.node("a"), limit: 10 } as const;
      expect(await h.storage.read(query)).toEqual([
        { to, message: aMessage("z2") },
        { to, message: aMessage("m3") },
      ]);
      expect(await h.storage.read({ ...query, limit: 1 })).toHaveLength(1);
    });

    test("counts live, due and finished runs, and what waits to be sent", async () => {
      await using h = await open();
      const held = await h.seedHeld([aRun(), aRun(), aRun()]);
      const [one, two] = held;
      if (one === undefined || two === undefined) throw new Error("both are held");
      await h.commit(aFinish(one), aRunUnit(two, { outbox: [anOutboxMessage("o1")] }));
      await h.commit(aStart(), aStart(), aStart(aRun(), { dueAt: after(T0, 1) }));
      expect(await h.storage.read({ kind: "counts" })).toEqual({
        live: 5,
        due: 2,
        finished: 1,
        outbox: 1,
      });
    });

    test("lists a tenant's audit rows newest first, up to the limit", async () => {
      await using h = await open();
      const { catalog } = h.storage;
      const rows = ["one", "two", "three"].map((target) =>
        anAudit({ target, key: null, address: null }),
      );
      for (const row of rows) await catalog.put([], row);
      await catalog.put([], anAudit({ tenant: OTHER_TENANT }));
      const found = (await h.storage.read({ kind: "audit", tenant, limit: 2 })).rows;
      expect(found).toMatchObject(rows.toReversed().slice(0, 2));
    });

    test("goes on with a tenant's audit rows where the page before ended", async () => {
      await using h = await open();
      const { catalog } = h.storage;
      for (const target of ["one", "two", "three"]) {
        await catalog.put([], anAudit({ target }));
        await catalog.put([], anAudit({ tenant: OTHER_TENANT }));
      }
      const [newest] = (await h.storage.read({ kind: "audit", tenant, limit: 1 })).rows;
      const before = newest?.sequence ?? 0;
      const found = (await h.storage.read({ kind: "audit", tenant, limit: 2, before })).rows;
      expect(found).toMatchObject([{ target: "two" }, { target: "one" }]);
    });

    test.each([
      ["action", { action: "key.create" }],
      ["key", { key: "key_2" }],
      ["time", { since: after(T0, 5) }],
    ] as const)("leaves out audit rows of another %s, before it counts them", async (_, asked) => {
      await using h = await open();
      const { catalog } = h.storage;
      const wanted = { action: "key.create", key: "key_2", at: after(T0, 5) };
      await catalog.put([], anAudit({ ...wanted, target: "wanted" }));
      await catalog.put([], anAudit());
      const found = (await h.storage.read({ kind: "audit", tenant, limit: 1, ...asked })).rows;
      expect(found).toMatchObject([{ target: "wanted" }]);
    });
  });
}
