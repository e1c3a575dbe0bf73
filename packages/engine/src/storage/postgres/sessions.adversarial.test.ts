// Connections that break, forget, or belong to a server that is another now; and texts and numbers that no database takes.
import type { Worker } from "node:worker_threads";
import { after, asJsonText, DEFAULT_TENANT, shardOfEvent, type NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { createTestDatabase, sharedPostgres } from "../../testkit/postgres/shared-postgres.ts";
import { startProxy } from "../../testkit/postgres/proxy/start-proxy.ts";
import { A, B, openTwoNodes } from "../../testkit/two-nodes.ts";
import {
  aKey,
  anOutboxMessage,
  aRun,
  aRunUnit,
  aStart,
  dueOf,
  refOf,
  T0,
} from "../suite/builders.ts";
import { aFault } from "../suite/index.ts";
import type { Hint, PublishUnit, RunHead, SubscribeUnit } from "../storage.ts";
import { commit } from "./commit.ts";
import { createPostgresStorage, type PostgresStorageOptions } from "./create-postgres-storage.ts";
import type { Database } from "./database.ts";
import { Heartbeat } from "./heartbeat.ts";
import { MOST_CHARACTERS } from "./weigh.ts";

const aNode = (id: NodeId) => ({ id, host: "test-host", pid: 1 });

async function openUnmigrated(options: Partial<PostgresStorageOptions> = {}) {
  const database = await createTestDatabase();
  const storage = await createPostgresStorage({ url: database.url, ...options });
  return {
    database,
    storage,
    [Symbol.asyncDispose]: async () => {
      await storage.close();
      await database.drop();
    },
  };
}

/** Asks twice, if need be: what is mended at the second attempt is good enough, since the engine asks again. */
const askTwice = <T>(ask: () => Promise<T>): Promise<T> => ask().catch(ask);

describe("a connection", () => {
  test("is replaced when a migration has changed what its statements give", async () => {
    await using nodes = await openTwoNodes();
    const { a } = nodes;
    const run = aRun();
    await a.commit(0, A, [aStart(run)]);
    const ask = () => a.read({ kind: "run", tenant: run.tenant, runId: run.id });
    await ask();
    await nodes.run("alter table millrace.runs alter column recoveries type bigint");
    expect(await askTwice(ask)).toMatchObject({ live: { recoveries: 0 } });
  });

  test("is replaced when its session has forgotten a statement", async () => {
    await using nodes = await openTwoNodes();
    const { a, database } = nodes;
    await database.fly("commit", [{ statement: { name: "x", text: "select 1" }, parameters: [] }]);
    await database.fly("commit", [
      { statement: { name: "y", text: "deallocate all" }, parameters: [] },
    ]);
    const again = () =>
      database.fly("commit", [{ statement: { name: "x", text: "select 1" }, parameters: [] }]);
    await expect(again()).rejects.toMatchObject({ code: "26000" });
    expect(await again()).toEqual([[[1]]]);
    await a.beat(A);
  });

  test("is replaced when its server takes no writes any more, since another may be the primary", async () => {
    await using nodes = await openTwoNodes();
    const { database } = nodes;
    const text = "set default_transaction_read_only = on";
    await database.fly("commit", [{ statement: { name: "z", text }, parameters: [] }]);
    const units = [aStart()];
    const write = () => commit(database, { node: A, now: T0, nextPlace: () => 1, units });
    await expect(write()).rejects.toMatchObject({ code: "25006" });
    expect(await write()).toMatchObject({ outcomes: [{ kind: "done" }] });
  });

  test("of the heartbeat is replaced when a statement could not be prepared on it", async () => {
    await using opened = await openUnmigrated();
    const { storage } = opened;
    await expect(storage.join(aNode(A))).rejects.toEqual(aFault("storage.unavailable"));
    await storage.migrate();
    await storage.join(aNode(A));
    expect(await storage.beat(A)).toMatchObject({ nodes: [A] });
  });

  test("of the heartbeat that answers no more is replaced, and listens again", async () => {
    const server = await sharedPostgres();
    await using proxy = await startProxy(server);
    await using database = await createTestDatabase();
    const storage = await createPostgresStorage({ url: proxy.urlOf(database.url) });
    const other = await createPostgresStorage({ url: database.url });
    await storage.migrate();
    await storage.join(aNode(A));
    await other.join(aNode(B));
    const heard = Promise.withResolvers<Hint>();
    storage.hints.listen(A, heard.resolve);
    await storage.beat(A);
    proxy.cutAll();
    await askTwice(() => storage.beat(A));
    other.hints.tell(A, { kind: "due" });
    expect(await heard.promise).toEqual({ kind: "due" });
    await storage.close();
    await other.close();
  });
});

describe("the channel", () => {
  test("may carry what nobody knows: it is nothing", async () => {
    await using nodes = await openTwoNodes();
    const { a, b } = nodes;
    const heard: Hint[] = [];
    const last = Promise.withResolvers<void>();
    a.hints.listen(A, (hint) => {
      heard.push(hint);
      if (hint.kind === "inbox") last.resolve();
    });
    await a.beat(A);
    const strange = [
      "null",
      "1",
      '"due"',
      "{}",
      '{"to":null}',
      '{"to":null,"hints":[null,{"kind":"newer"}]}',
    ];
    for (const text of [...strange, '{"to":null,"hints":[{"kind":"moved"},{"kind":"due"}]}'])
      await nodes.run("select pg_notify('millrace', $1)", [text]);
    const run = refOf(aRun());
    b.hints.tell(A, { kind: "inbox", run });
    await last.promise;
    expect(heard).toEqual([{ kind: "due" }, { kind: "inbox", run }]);
  });

  test("joins two nodes of one process and one store", async () => {
    await using nodes = await openTwoNodes();
    const { a } = nodes;
    const third = "node_c" as NodeId;
    await a.join(aNode(third));
    const heard = Promise.withResolvers<Hint>();
    a.hints.listen(third, heard.resolve);
    await a.beat(third);
    a.hints.tell(third, { kind: "due" });
    expect(await heard.promise).toEqual({ kind: "due" });
  });
});

/** Keeps this thread busy, as a function does that computes. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test("two nodes of one process and one store live both while its event loop is busy", async () => {
  await using opened = await openUnmigrated({ leaseMs: 400 });
  const { storage } = opened;
  await storage.migrate();
  for (const id of [A, B]) {
    await storage.join(aNode(id));
    await storage.commit(0, id, [aStart(aRun(), { owner: id })]);
  }
  block(1_200);
  expect(await storage.reap()).toMatchObject({ freed: 0 });
});

test("questions to the heartbeat that come together are asked one after the other", async () => {
  await using nodes = await openTwoNodes();
  const { config, isPooled } = nodes.database;
  const options = { config, isPooled, leaseMs: nodes.a.leaseMs, silentMs: 1 };
  // In this thread, whose warnings are heard.
  const heartbeat = new Heartbeat(options, () => undefined);
  const warnings: Error[] = [];
  const hear = (warning: Error): number => warnings.push(warning);
  process.on("warning", hear);
  const beats = [A, B, A].map((node) => heartbeat.answer({ kind: "beat", node, now: T0 }));
  await Promise.all([heartbeat.answer({ kind: "listen", node: A }), ...beats]);
  await heartbeat.close();
  process.off("warning", hear);
  expect(warnings).toEqual([]);
});

test("a node whose heartbeat's thread has ended is told so, and waits for nothing", async () => {
  const started = Promise.withResolvers<Worker>();
  process.once("worker", started.resolve);
  await using opened = await openUnmigrated();
  const { storage } = opened;
  const thread = await started.promise;
  const joining = storage.join(aNode(A));
  const failed = aFault("storage.failed", "Start this process anew");
  await Promise.all([expect(joining).rejects.toEqual(failed), thread.terminate()]);
  await expect(storage.beat(A)).rejects.toEqual(failed);
});

describe("a commit", () => {
  test("is rejected for a text with a NUL, and nothing of it is written", async () => {
    await using nodes = await openTwoNodes();
    const { a } = nodes;
    for (const bad of [
      aStart(aRun({ input: asJsonText('"\0"') })),
      aStart(aRun(), { key: aKey({ key: "\0" }) }),
    ])
      await expect(a.commit(0, A, [aStart(), bad])).rejects.toEqual(aFault("storage.rejected"));
    expect(await nodes.run("select 1 from millrace.runs")).toEqual([]);
  });

  test("is rejected for a number that is none, or too large", async () => {
    await using nodes = await openTwoNodes();
    const { a } = nodes;
    for (const depth of [Number.NaN, 1.5, 2 ** 31, 2 ** 60]) {
      const committing = a.commit(0, A, [aStart(), aStart(aRun({ depth }))]);
      await expect(committing).rejects.toEqual(aFault("storage.rejected"));
    }
    expect(await nodes.run("select 1 from millrace.runs")).toEqual([]);
    expect(await a.commit(0, A, [aStart()])).toEqual([{ kind: "done" }]);
  });

  test("of more than one message of the wire can hold goes in several", async () => {
    await using nodes = await openTwoNodes();
    const { database } = nodes;
    let most = 0;
    const counted: Database = {
      ...database,
      fly: (purpose, statements) => {
        const sizes = statements.flatMap(({ parameters }) =>
          parameters.map((value) => (Buffer.isBuffer(value) ? value.length : 0)),
        );
        most = Math.max(most, ...sizes);
        return database.fly(purpose, statements);
      },
    };
    const input = asJsonText(`"${"x".repeat(MOST_CHARACTERS / 8)}"`);
    const units = Array.from({ length: 12 }, () => aStart(aRun({ input })));
    const { outcomes } = await commit(counted, { node: A, now: T0, nextPlace: () => 1, units });
    expect(outcomes).toEqual(units.map(() => ({ kind: "done" })));
    expect(most).toBeGreaterThan(MOST_CHARACTERS / 2);
    expect(most).toBeLessThan(MOST_CHARACTERS * 1.1);
  });

  test.each([
    ["a full disk", "53100", "53100"],
    ["the end of its node", "22012", "storage.fenced-node"],
  ])(
    "of which a part stands, and the rest is kept away by %s, is to be sent again",
    async (_what, code, again) => {
      await using nodes = await openTwoNodes();
      const { database } = nodes;
      let flights = 0;
      const failing: Database = {
        ...database,
        fly: (purpose, statements) => {
          flights += 1;
          if (flights === 2) return Promise.reject(Object.assign(new Error("planted"), { code }));
          return database.fly(purpose, statements);
        },
      };
      const name = "n";
      const shard = aRun().shard;
      const units = [aStart(aRun({ name, shard })), aStart(aRun({ name, shard }))];
      const request = { node: A, now: T0, nextPlace: () => 1, units };
      await expect(commit(failing, request)).rejects.toEqual(aFault("storage.unavailable"));
      // The next attempt finds what stands, and then hears the truth: it has written nothing.
      flights = 1;
      await expect(commit(failing, request)).rejects.toMatchObject({ code: again });
    },
  );

  test("of 60,000 messages to be forgotten goes at once", async () => {
    await using nodes = await openTwoNodes();
    const { a } = nodes;
    const run = aRun();
    await a.commit(0, A, [aStart(run)]);
    const [held] = await a.take(A, [dueOf(run)]);
    if (held === undefined) throw new Error("nothing was taken");
    const ids = Array.from({ length: 60_000 }, (_, i) => `m${i}`);
    await a.commit(0, A, [aRunUnit(held, { outbox: [anOutboxMessage("m7")] })]);
    expect(await a.commit(0, A, [{ kind: "sent", from: refOf(run), ids }])).toEqual([
      { kind: "done" },
    ]);
    expect(await a.read({ kind: "outbox", limit: 9 })).toEqual([]);
  });
});

test("an event with much data reaches all who wait for it, in parts", async () => {
  await using nodes = await openTwoNodes();
  const { a } = nodes;
  const [event, shard] = ["large", shardOfEvent(DEFAULT_TENANT, "large")];
  const expiresAt = after(T0, 1000);
  const runs = [aRun(), aRun(), aRun()];
  const subscribe = (run: RunHead): SubscribeUnit => ({
    kind: "subscribe",
    run: refOf(run),
    shard,
    event,
    key: "k",
    since: T0,
    until: null,
    expiresAt,
  });
  await a.commit(0, A, runs.map(subscribe));
  const data = asJsonText(`"${"x".repeat(MOST_CHARACTERS / 2)}"`);
  const publish: PublishUnit = {
    kind: "publish",
    tenant: DEFAULT_TENANT,
    shard,
    event: { id: "e", name: event, data, publishedAt: T0 },
    expiresAt,
  };
  const [first] = await a.commit(0, A, [publish]);
  const [again] = await a.commit(0, A, [publish]);
  expect(await nodes.run("select count(*)::int from millrace.outbox")).toEqual([[runs.length]]);
  const ids = runs.map((run) => run.id).toSorted();
  for (const outcome of [first, again])
    expect(outcome?.kind === "published" && outcome.waiters.map((one) => one.runId)).toEqual(ids);
});
