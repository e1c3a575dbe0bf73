// Real engines on the server: two nodes that share a database, as they would in production.
import { createEngine, type Engine } from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import { workflow, type AnyWorkflow } from "@millrace/sdk";
import { createClient, type Client } from "@millrace/sdk/client";
import { createWorker } from "@millrace/sdk/worker";
import { describe, expect, test } from "vitest";
import { makeDatabase, toProfile } from "./given-server.ts";

interface Pair extends AsyncDisposable {
  readonly clients: readonly [Client, Client];
  /** By a worker of one node, 0 or 1. */
  work(node: 0 | 1, ...workflows: readonly AnyWorkflow[]): Promise<void>;
  /** As at a deployment: its runs go to the other one. */
  stop(node: 0 | 1): Promise<void>;
}

let made: Promise<string> | undefined;

async function openPair(): Promise<Pair> {
  const url = await (made ??= makeDatabase());
  const open = async (): Promise<Engine> => {
    const engine = createEngine({ storage: await createPostgresStorage({ url, ...toProfile() }) });
    await engine.start();
    return engine;
  };
  const engines = [await open(), await open()] as const;
  const clients = [
    createClient({ engine: engines[0] }),
    createClient({ engine: engines[1] }),
  ] as const;
  const ends: [(() => Promise<void>)[], (() => Promise<void>)[]] = [[], []];
  const stop = async (node: 0 | 1): Promise<void> => {
    for (const end of ends[node].toReversed()) await end();
    ends[node] = [];
  };
  for (const node of [0, 1] as const) {
    ends[node].push(
      () => engines[node].stop({ graceMs: 0 }),
      () => clients[node].close(),
    );
  }
  return {
    clients,
    work: async (node, ...workflows) => {
      const worker = createWorker({ engine: engines[node], workflows });
      await worker.start();
      ends[node].push(() => worker.stop());
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop(0);
      await stop(1);
    },
  };
}

const double = workflow("double", {}, (ctx, n: number) => ctx.run("double", () => n * 2));

const busy = workflow(
  "busy",
  { retries: 3, backoff: { initialDelay: 5, factor: 1 } },
  async (ctx, n: number) => {
    const sum = await ctx.run("flaky", ({ attempt }) => {
      if (attempt < 3) throw new Error("busy");
      return n + attempt;
    });
    await ctx.sleep("nap", 1_500);
    return ctx.invoke("child", double, sum);
  },
);

const waiting = workflow("waiting", {}, async (ctx, event: string) => {
  const before = await ctx.run("before", () => "kept");
  const heard = await ctx.waitForEvent("wait", { event, timeout: "1 hour" });
  return { before, heard };
});

/** It is told of no event before it waits. */
async function untilWaiting(client: Client, eventId: string): Promise<void> {
  while ((await client.getWaiters({ eventId })).length === 0);
}

describe("real runs on two nodes", () => {
  test("a run with retries, a timer and a child is started at one node, and worked on at the other", async () => {
    await using pair = await openPair();
    await pair.work(1, busy, double);
    const run = await pair.clients[0].start(busy, 4);
    expect(await run.result()).toBe(14);
  });

  test("an event that is told to one node wakes a run of the other", async () => {
    await using pair = await openPair();
    await pair.work(1, waiting);
    const run = await pair.clients[1].start(waiting, "bell");
    await untilWaiting(pair.clients[0], "bell");
    const told = await pair.clients[0].notify({ eventId: "bell", eventData: "rung" });
    expect(told.runIds).toEqual([run.id]);
    expect(await run.result()).toEqual({ before: "kept", heard: "rung" });
  });

  test("the runs of a node that stops are ended by the other", async () => {
    await using pair = await openPair();
    await pair.work(0, waiting);
    const { id } = await pair.clients[0].start(waiting, "late");
    await untilWaiting(pair.clients[1], "late");
    await pair.stop(0);
    await pair.work(1, waiting);
    await pair.clients[1].notify({ eventId: "late", eventData: 1 });
    expect(await pair.clients[1].run(id).result()).toEqual({ before: "kept", heard: 1 });
  });

  test("a thousand starts that are told to both nodes are a thousand runs", async () => {
    await using pair = await openPair();
    await pair.work(0, double);
    await pair.work(1, double);
    const items = Array.from({ length: 1_000 }, (_, n) => ({
      input: n,
      options: { idempotencyKey: `double-${n}` },
    }));
    const [one, two] = await Promise.all(
      pair.clients.map((client) => client.startMany(double, items)),
    );
    const runs = (one ?? []).map((outcome) => (outcome.kind === "rejected" ? null : outcome.run));
    const ids = (two ?? []).map((outcome) => (outcome.kind === "rejected" ? null : outcome.run.id));
    expect(ids).toEqual(runs.map((run) => run?.id));
    let sum = 0;
    for (const run of runs) sum += (await run?.result()) ?? 0;
    expect(sum).toBe(999_000);
  });

  test("a run is cancelled from the node that does not have it", async () => {
    await using pair = await openPair();
    await pair.work(1, waiting);
    const { id } = await pair.clients[1].start(waiting, "never");
    await untilWaiting(pair.clients[0], "never");
    expect(await pair.clients[0].cancel({ ids: [id] })).toEqual({ count: 1 });
    await pair.clients[0]
      .run(id)
      .result()
      .catch(() => undefined);
    expect(await pair.clients[0].run(id).status()).toBe("cancelled");
  });
});
