import { toTimestamp, type NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../testkit/postgres/shared-postgres.ts";
import { aResult, aRun, aStart, dueOf, refOf } from "../suite/builders.ts";
import { aFault } from "../suite/index.ts";
import type { Hint, RunHead, RunUnit, Storage } from "../storage.ts";
import { createPostgresStorage, type PostgresStorageOptions } from "./create-postgres-storage.ts";

const A = "node_a" as NodeId;
const B = "node_b" as NodeId;

interface Cluster extends AsyncDisposable {
  readonly a: Storage;
  readonly b: Storage;
}

/** Two nodes, each with a store of its own on one database. */
async function openCluster(options: Partial<PostgresStorageOptions> = {}): Promise<Cluster> {
  const database = await createTestDatabase();
  const open = async (id: NodeId): Promise<Storage> => {
    const storage = await createPostgresStorage({ url: database.url, ...options });
    await storage.migrate();
    await storage.join({ id, host: "test-host", pid: 1 });
    return storage;
  };
  const [a, b] = [await open(A), await open(B)];
  return {
    a,
    b,
    [Symbol.asyncDispose]: async () => {
      await a.close();
      await b.close();
      await database.drop();
    },
  };
}

function hear(storage: Storage, node: NodeId): { next(): Promise<Hint> } {
  const heard: Hint[] = [];
  const waiting: ((hint: Hint) => void)[] = [];
  storage.hints.listen(node, (hint) => {
    const tell = waiting.shift();
    if (tell === undefined) heard.push(hint);
    else tell(hint);
  });
  return {
    next: () => {
      const hint = heard.shift();
      return hint === undefined ? new Promise((tell) => waiting.push(tell)) : Promise.resolve(hint);
    },
  };
}

describe("a hint", () => {
  test("reaches the node that it is for, and one for all reaches all but its sender", async () => {
    await using cluster = await openCluster();
    const { a, b } = cluster;
    const [atA, atB] = [hear(a, A), hear(b, B)];
    const run = refOf(aRun());
    // A beat goes by the same connection, after `listen`.
    await a.beat(A);
    await b.beat(B);
    a.hints.tell(null, { kind: "due" });
    expect(await atB.next()).toEqual({ kind: "due" });
    b.hints.tell(A, { kind: "inbox", run });
    a.hints.tell(B, { kind: "moved", run });
    // The first that A hears: not what it has told all.
    expect(await atA.next()).toEqual({ kind: "inbox", run });
    expect(await atB.next()).toEqual({ kind: "moved", run });
  });

  test("of a message comes to the node that owns the run", async () => {
    await using cluster = await openCluster();
    const { a, b } = cluster;
    const atA = hear(a, A);
    await a.beat(A);
    const run = aRun();
    await a.commit(0, A, [aStart(run, { owner: A })]);
    const message = { id: "m", body: { kind: "cancel", reason: null } } as const;
    await b.commit(0, B, [{ kind: "delivery", to: refOf(run), message, audit: null }]);
    expect(await atA.next()).toEqual({ kind: "inbox", run: refOf(run) });
  });

  test("of a message comes again when it is sent again: nobody knows who has heard of the first", async () => {
    await using cluster = await openCluster();
    const { a, b } = cluster;
    const atA = hear(a, A);
    await a.beat(A);
    const run = aRun();
    await a.commit(0, A, [aStart(run, { owner: A })]);
    const message = { id: "m", body: { kind: "cancel", reason: null } } as const;
    const delivery = { kind: "delivery", to: refOf(run), message, audit: null } as const;
    for (let n = 0; n < 2; n++) {
      expect(await b.commit(0, B, [delivery])).toEqual([{ kind: "done" }]);
      expect(await atA.next()).toEqual({ kind: "inbox", run: refOf(run) });
    }
    // Its own messages are no news to it.
    expect(await a.commit(0, A, [delivery])).toEqual([{ kind: "done" }]);
    b.hints.tell(A, { kind: "due" });
    expect(await atA.next()).toEqual({ kind: "due" });
  });

  test("comes in several parts where many are told at once", async () => {
    await using cluster = await openCluster();
    const { a, b } = cluster;
    const atB = hear(b, B);
    await b.beat(B);
    const runs = Array.from({ length: 300 }, () => refOf(aRun()));
    for (const run of runs) a.hints.tell(B, { kind: "moved", run });
    const told: Hint[] = [];
    while (told.length < runs.length) told.push(await atB.next());
    expect(told).toEqual(runs.map((run) => ({ kind: "moved", run })));
  });
});

/** Keeps this thread busy, as a function does that computes. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe("the lease", () => {
  test("is kept while the event loop is busy, since another thread beats (fault 8)", async () => {
    await using cluster = await openCluster({ leaseMs: 400 });
    const { a, b } = cluster;
    const run = aRun();
    await a.commit(0, A, [aStart(run, { owner: A })]);
    block(1_500);
    // Both nodes have slept for almost four leases.
    expect(await b.reap()).toMatchObject({ freed: 0 });
    expect(await a.beat(A)).toMatchObject({ inbox: false });
  });

  test("is given up when the event loop has been silent for too long (fault 8)", async () => {
    await using cluster = await openCluster({ leaseMs: 400, silentMs: 500 });
    const { a, b } = cluster;
    const run = aRun();
    await a.commit(0, A, [aStart(run, { owner: A })]);
    block(2_500);
    await b.join({ id: B, host: "test-host", pid: 1 });
    expect(await b.reap()).toMatchObject({ freed: 1 });
    await expect(a.beat(A)).rejects.toEqual(aFault("storage.fenced-node"));
    const found = await b.read({ kind: "run", tenant: run.tenant, runId: run.id });
    expect(found).toMatchObject({ live: { owner: null, recoveries: 1 } });
  });

  test("ends when its node's store is closed, so that others need not wait for its end", async () => {
    await using cluster = await openCluster();
    const { a, b } = cluster;
    const run = aRun();
    await a.commit(0, A, [aStart(run, { owner: A })]);
    await a.close();
    const { now, reapAt, nodes } = await b.beat(B);
    expect({ reapAt, nodes }).toEqual({ reapAt: now, nodes: [B] });
    expect(await b.reap()).toMatchObject({ freed: 1 });
  });

  test("tells when the next of another node ends, so that a dead one is found in time", async () => {
    await using cluster = await openCluster();
    const { a, b } = cluster;
    const joined = await b.beat(B);
    const { reapAt } = await a.beat(A);
    expect(reapAt).toBe(toTimestamp(joined.now + b.leaseMs));
  });
});

/** The first step's result, of a run that its node owns since its start. */
const aFirstUnit = (run: RunHead): RunUnit => ({
  kind: "run",
  ref: refOf(run),
  fence: 1,
  sequence: 1,
  entries: [aResult("a")],
  outbox: [],
  consumed: [],
  recovered: false,
  next: { kind: "keep" },
});

describe("a node that is declared dead while it writes", () => {
  test("has its writes finished before its runs are freed, so no entry of its is missed (faults 7, 16)", async () => {
    let now = 1_000_000;
    await using cluster = await openCluster({ now: () => now });
    const { a, b } = cluster;
    const refusals: unknown[] = [];
    for (let n = 0; n < 20; n++) {
      const run = aRun();
      const node = `node_old_${n}` as NodeId;
      await a.join({ id: node, host: "test-host", pid: 1 });
      await a.commit(0, node, [aStart(run, { owner: node })]);
      now += a.leaseMs;
      await b.join({ id: B, host: "test-host", pid: 1 });
      const unit = aFirstUnit(run);
      const [written] = await Promise.allSettled([a.commit(0, node, [unit]), b.reap()]);
      await b.reap();
      const [taken] = await b.take(B, [{ ...dueOf(run), fence: 1 }]);
      // Either it was written, and whoever goes on has it, or it was refused.
      const wasWritten = written.status === "fulfilled";
      expect(taken?.journal).toEqual(wasWritten ? [aResult("a")] : []);
      if (written.status === "rejected") refusals.push(written.reason);
    }
    expect(refusals).toEqual(refusals.map(() => aFault("storage.fenced-node")));
  });
});
