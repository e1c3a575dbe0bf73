// The SDK's worker against the real door in memory, over a network that loses what it is told to lose.
import { MillraceError } from "@millrace/protocol";
import { workflow, type AnyWorkflow } from "@millrace/sdk";
import { createClient } from "@millrace/sdk/client";
import { createWorker, type Worker, type WorkerOptions } from "@millrace/sdk/worker";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";

/** Says what becomes of a request: nothing, lost on its way, or its answer lost. */
type Fate = "passes" | "is-lost" | "answer-is-lost";
type Judge = (method: string, path: string) => Fate;

class Network {
  judge: Judge = () => "passes";
  /** Ends with the streams that are open. */
  #cut = new AbortController();
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  cutStreams(): void {
    this.#cut.abort();
    this.#cut = new AbortController();
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const given = new Request(input, init);
    const signal = AbortSignal.any([given.signal, this.#cut.signal]);
    const request = new Request(given, { signal });
    const fate = this.judge(request.method, new URL(request.url).pathname);
    if (fate === "is-lost") throw new TypeError("fetch failed");
    const response = await this.#server.app.fetch(request);
    if (fate === "answer-is-lost") {
      await response.body?.cancel();
      throw new TypeError("fetch failed");
    }
    return response;
  };
}

interface World extends AsyncDisposable {
  readonly server: TestServer;
  readonly network: Network;
  readonly client: ReturnType<typeof createClient>;
  work(workflows: readonly AnyWorkflow[], more?: Partial<WorkerOptions>): Promise<Worker>;
}

async function openWorld(): Promise<World> {
  const server = await openTestServer();
  const network = new Network(server);
  const workers: Worker[] = [];
  const reach = { url: "http://localhost", key: server.key, fetch: network.fetch };
  return {
    server,
    network,
    client: createClient(reach),
    work: async (workflows, more = {}) => {
      const worker = createWorker({ ...reach, name: "w", workflows, ...more });
      workers.push(worker);
      await worker.start();
      return worker;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.stop({ graceMs: 0 })));
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Bodies that have begun, by run and step. */
class Bodies {
  readonly begun: string[] = [];
  note(n: number, step: string): void {
    this.begun.push(`${n}/${step}`);
  }
}

/** Three steps, the last of them several at once. */
const sumOf = (bodies: Bodies): AnyWorkflow =>
  workflow("sum", {}, async (ctx, { n }: { readonly n: number }) => {
    const step = (name: string, value: number): Promise<number> =>
      ctx.run(name, () => {
        bodies.note(n, name);
        return value;
      });
    const one = await step("one", n);
    const two = await step("two", one + 1);
    const more = await Promise.all([step("a", two), step("b", two), step("c", two)]);
    return more.reduce((sum, it) => sum + it, 0);
  });

const outputOf = (n: number): number => 3 * (n + 1);

describe("a worker over HTTP", { timeout: 60_000 }, () => {
  test("executes runs of its workflows, as one in the engine's process does", async () => {
    await using world = await openWorld();
    const worker = await world.work([sumOf(new Bodies())]);
    const run = await world.client.start("sum", { n: 1 });
    expect(await run.result()).toBe(outputOf(1));
    expect(worker.status).toEqual({ state: "attached", sessions: 0, error: null });
    await worker.stop();
    expect(worker.status.state).toBe("stopped");
    const { engine } = world.server;
    const inside = createWorker({ engine, workflows: [sumOf(new Bodies())] });
    await inside.start();
    expect(await (await world.client.start("sum", { n: 2 })).result()).toBe(outputOf(2));
    await inside.stop();
  });

  test("loses and doubles nothing on a network that loses requests and answers", async () => {
    await using world = await openWorld();
    let count = 0;
    world.network.judge = (method, path) => {
      if (!path.includes("/workers")) return "passes";
      count += 1;
      // A stream that is broken off comes again from where it was.
      if (count % 7 === 0) world.network.cutStreams();
      if (count % 5 === 0) return "is-lost";
      return count % 3 === 0 && method === "POST" ? "answer-is-lost" : "passes";
    };
    const bodies = new Bodies();
    await world.work([sumOf(bodies)]);
    const ns = Array.from({ length: 20 }, (_, n) => n);
    const runs = await Promise.all(ns.map((n) => world.client.start("sum", { n })));
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(ns.map(outputOf));
    const wanted = ns.flatMap((n) => ["one", "two", "a", "b", "c"].map((step) => `${n}/${step}`));
    expect(bodies.begun.toSorted()).toEqual(wanted.toSorted());
    // It is still the first one: nothing had to be begun anew.
    expect(world.server.logLines.filter((line) => line.includes("attached"))).toEqual([]);
    const { items } = await world.server.send("GET", "/api/v1/workers");
    expect(items).toHaveLength(1);
  });

  test("waits for a server that is not there yet", async () => {
    await using world = await openWorld();
    const asked = Promise.withResolvers<void>();
    let isThere = false;
    world.network.judge = () => {
      asked.resolve();
      return isThere ? "passes" : "is-lost";
    };
    const attaching = world.work([sumOf(new Bodies())]);
    await asked.promise;
    isThere = true;
    expect((await attaching).status.state).toBe("attached");
  });

  test("attaches again by itself when the server does not know it any more", async () => {
    await using world = await openWorld();
    const bodies = new Bodies();
    const worker = await world.work([sumOf(bodies)]);
    const [before] = (await world.server.send("GET", "/api/v1/workers")).items;
    await world.server.send("DELETE", `/api/v1/workers/${before?.id}`);
    // Nobody else is there to do it.
    expect(await (await world.client.start("sum", { n: 3 })).result()).toBe(outputOf(3));
    const { items } = await world.server.send("GET", "/api/v1/workers");
    expect(items.map(({ id }) => id)).not.toContain(before?.id);
    expect(worker.status).toMatchObject({ state: "attached", error: null });
  });

  test("begins its runs anew after it was lost, with what was committed", async () => {
    await using world = await openWorld();
    const bodies = new Bodies();
    const begun = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    const slow = workflow("slow", {}, async (ctx) => {
      await ctx.run("first", () => bodies.note(0, "first"));
      return ctx.run("second", async ({ signal }) => {
        bodies.note(0, "second");
        begun.resolve();
        await opened.promise;
        return signal.aborted;
      });
    });
    await world.work([slow]);
    const run = await world.client.start("slow", {});
    await begun.promise;
    const [before] = (await world.server.send("GET", "/api/v1/workers")).items;
    await world.server.send("DELETE", `/api/v1/workers/${before?.id}`);
    await expect.poll(() => bodies.begun.length, { timeout: 30_000 }).toBe(3);
    opened.resolve();
    // The first body of `second` was told to stop, and what it returned counts for nothing.
    expect(await run.result()).toBe(false);
    expect(bodies.begun).toEqual(["0/first", "0/second", "0/second"]);
  });

  test("lets its bodies end when it is stopped, and hands over what is committed", async () => {
    await using world = await openWorld();
    const begun = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    const bodies = new Bodies();
    const long = (name: string): AnyWorkflow =>
      workflow("long", {}, async (ctx) => {
        await ctx.run("first", async () => {
          bodies.note(0, `first at ${name}`);
          begun.resolve();
          await opened.promise;
        });
        return ctx.run("second", () => name);
      });
    const leaving = await world.work([long("a")], { name: "a" });
    const run = await world.client.start("long", {});
    await begun.promise;
    await world.work([long("b")], { name: "b" });
    const stopped = leaving.stop();
    expect(leaving.status.state).toBe("draining");
    opened.resolve();
    await stopped;
    expect(await run.result()).toBe("b");
    expect(bodies.begun).toEqual(["0/first at a"]);
    const { items } = await world.server.send("GET", "/api/v1/workers");
    expect(items).toMatchObject([{ name: "b" }]);
  });

  test("gives its bodies up when they take longer than the grace", async () => {
    await using world = await openWorld();
    const begun = Promise.withResolvers<AbortSignal>();
    const endless = workflow("endless", {}, (ctx) =>
      ctx.run("never", ({ signal }) => {
        begun.resolve(signal);
        return new Promise<never>(() => {});
      }),
    );
    const worker = await world.work([endless]);
    const run = await world.client.start("endless", {});
    const signal = await begun.promise;
    await worker.stop({ graceMs: 1 });
    expect(signal.aborted).toBe(true);
    expect(await run.status()).toBe("running");
  });

  test("executes functions that JSON workflows call", async () => {
    await using world = await openWorld();
    const double = ({ n }: { readonly n: number }): number => n * 2;
    await world.work([], { functions: { double } });
    const step = { id: "a", type: "function", function: "double" };
    const id = await world.server.install({ name: "Json", steps: [step] });
    const run = await world.client.start(id, { n: 21 });
    expect(await run.result()).toBe(42);
  });

  test("says at its start what will never do: a wrong key, a name that is taken", async () => {
    await using world = await openWorld();
    const code = (attaching: Promise<Worker>): Promise<unknown> =>
      attaching.then(
        () => "attached",
        (error: unknown) => (MillraceError.is(error) ? error.code : error),
      );
    const bodies = new Bodies();
    const wrong = { key: `mr_${"a".repeat(12)}_${"b".repeat(32)}` };
    expect(await code(world.work([sumOf(bodies)], wrong))).toBe("request.unauthorized");
    const lesser = { key: await world.server.newKey(["runs:read"]) };
    expect(await code(world.work([sumOf(bodies)], lesser))).toBe("request.forbidden");
    const steps = [{ id: "a", type: "transform", config: { mapping: {} } }];
    await world.server.install({ name: "Sum", steps });
    expect(await code(world.work([sumOf(bodies)]))).toBe("workflow.exists");
  });
});
