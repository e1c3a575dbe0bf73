// What a client over HTTP makes of a server that goes away, and of answers that are lost.
import type { JsonValue } from "@millrace/protocol";
import { createClient, MillraceError, type WatchedEvent } from "@millrace/sdk/client";
import { describe, expect, test } from "vitest";
import { soon, TEST_TIMEOUT_MS, waitFor } from "./deadline.ts";
import { openHttpWorld, type HttpWorld } from "./open-client-world.ts";

const HOLD: JsonValue = {
  id: "wf_hold",
  name: "Hold",
  steps: [
    { id: "first", type: "function", function: "first" },
    { id: "hold", type: "function", function: "hold" },
    { id: "last", type: "function", function: "last" },
  ],
  output: "{{steps.last.output}}",
};

interface Held {
  readonly world: HttpWorld;
  readonly release: () => void;
}

/** Runs of `hold` stay in their second step until they are released. */
async function openHeld(): Promise<Held & AsyncDisposable> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const world = await openHttpWorld({ first: () => 1, hold: () => promise, last: () => "done" });
  await world.install(HOLD);
  return {
    world,
    release: () => resolve(2),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const thrown: unknown = await promise.catch((error: unknown) => error);
  return MillraceError.is(thrown) ? thrown.code : String(thrown);
}

describe("a client over HTTP", { timeout: TEST_TIMEOUT_MS }, () => {
  test("waits on for a result while the server is away", async () => {
    await using held = await openHeld();
    const { world, release } = held;
    let failed = 0;
    const client = world.connect({
      fetch: async (input, init) => {
        try {
          return await fetch(input, init);
        } catch (error) {
          failed += 1;
          throw error;
        }
      },
    });
    const run = await client.start("hold");
    const result = run.result();
    await world.goAway();
    await waitFor("a try that finds nobody", () => (failed >= 2 ? true : undefined));
    await world.comeBack();
    release();
    expect(await soon("the result", result)).toBe("done");
  });

  test("follows a run through a lost connection, and hears each event once", async () => {
    await using held = await openHeld();
    const { world, release } = held;
    const run = await world.client.start("hold");
    const events: WatchedEvent[] = [];
    for await (const event of run.events()) {
      if (event.sequence === null) continue;
      events.push(event);
      if (event.sequence === 1) {
        await world.goAway();
        await world.comeBack();
        release();
      }
    }
    expect(events.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, "step.completed"],
      [2, "step.completed"],
      [3, "step.completed"],
      [4, "run.completed"],
    ]);
  });

  test("starts one run when the answer to the start is lost (fault 3)", async () => {
    await using held = await openHeld();
    const { world } = held;
    const keys: string[] = [];
    const client = world.connect({
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        const { body } = init ?? {};
        const sent = JSON.parse(typeof body === "string" ? body : "{}") as {
          readonly idempotencyKey: string;
        };
        keys.push(sent.idempotencyKey);
        if (keys.length > 1) return response;
        await response.arrayBuffer();
        throw new TypeError("the connection was lost");
      },
    });
    const [outcome] = await client.startMany("hold", [{ input: {} }]);
    expect(outcome?.kind).toBe("created");
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect((await world.client.runs.list().page()).items).toHaveLength(1);
  });

  test("starts each of many runs once when the answer to them is lost", async () => {
    await using held = await openHeld();
    const { world } = held;
    let requests = 0;
    const client = world.connect({
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        requests += 1;
        if (requests > 1) return response;
        await response.arrayBuffer();
        throw new TypeError("the connection was lost");
      },
    });
    const items = Array.from({ length: 50 }, () => ({ input: {} }));
    const outcomes = await client.startMany("hold", items);
    expect(outcomes.map(({ kind }) => kind)).toEqual(items.map(() => "created"));
    const page = await world.client.runs.list({ limit: 100 }).page();
    expect(page.items).toHaveLength(50);
  });

  test("waits for many results with few connections", async () => {
    await using held = await openHeld();
    const { world, release } = held;
    let [open, most] = [0, 0];
    const client = world.connect({
      fetch: async (input, init) => {
        most = Math.max(most, ++open);
        try {
          return await fetch(input, init);
        } finally {
          open -= 1;
        }
      },
    });
    const outcomes = await client.startMany(
      "hold",
      Array.from({ length: 200 }, () => ({ input: {} })),
    );
    const results = outcomes.flatMap((it) => ("run" in it ? [it.run.result()] : []));
    await waitFor("the polls", () => (open >= 50 ? true : undefined));
    release();
    expect(await Promise.all(results)).toEqual(outcomes.map(() => "done"));
    expect(most).toBe(50);
  });

  test("says what is wrong with its key", async () => {
    await using world = await openHttpWorld();
    const stranger = world.connect({ key: "mr_nobody" });
    expect(await codeOf(stranger.start("hold"))).toBe("request.unauthorized");
    expect(await codeOf(stranger.startMany("hold", [{ input: {} }]))).toBe("request.unauthorized");
    expect(await codeOf(stranger.run("run_x").result())).toBe("request.unauthorized");
    const reader = world.connect({ key: await world.server.newKey(["runs:read"]) });
    expect(await codeOf(reader.start("hold"))).toBe("request.forbidden");
    const acme = world.connect({ namespace: "acme" });
    expect(await codeOf(acme.start("hold"))).toBe("request.forbidden");
  });

  test("says so when nobody is there for as long as it tries", async () => {
    await using world = await openHttpWorld();
    const client = world.connect({ retryForMs: 0 });
    await world.goAway();
    expect(await codeOf(client.start("hold"))).toBe("server.unreachable");
    expect(await codeOf(client.runs.list().page())).toBe("server.unreachable");
    const events = client.run("run_01JD0Q8Y7C1V0Z0G0000000000").events();
    expect(await codeOf(events.next())).toBe("server.unreachable");
  });

  test("ends what is under way when it is closed", async () => {
    await using held = await openHeld();
    const client = held.world.connect();
    const result = (await client.start("hold")).result();
    const ended = codeOf(result);
    await client.close();
    expect(await soon("the end", ended)).toBe("server.unreachable");
  });

  test.each<[string, object]>([
    ["no address", { url: "127.0.0.1:3000" }],
    ["an address of a file", { url: "file:///tmp" }],
    ["an address with a query", { url: "http://127.0.0.1/?a=1" }],
    ["a key with a line feed", { url: "http://127.0.0.1", key: "a\nb" }],
    ["a namespace with a space", { url: "http://127.0.0.1", namespace: "a b" }],
    ["patience that is no number", { url: "http://127.0.0.1", retryForMs: NaN }],
  ])("is not made with %s", async (_, options) => {
    const made = Promise.resolve().then(() => createClient(options as { url: string }));
    expect(await codeOf(made)).toBe("option.invalid");
  });
});
