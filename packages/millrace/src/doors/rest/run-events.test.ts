import { createApp, createLog } from "millrace";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";
import { readEvents, type ServerEvent } from "../../cli/event-stream.ts";
import { StreamGate } from "../../event-stream.ts";

const STEPS = [
  { id: "a", type: "function", function: "a" },
  { id: "b", type: "function", function: "b" },
];

interface World extends AsyncDisposable {
  readonly server: TestServer;
  readonly runId: string;
  readonly gate: StreamGate;
  readonly stop: () => void;
  /** Lets the body of step `a` return. */
  readonly open: () => void;
  follow(headers?: Readonly<Record<string, string>>): Promise<Follower>;
}

class Follower implements AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  readonly #abort: AbortController;
  readonly #events: AsyncGenerator<ServerEvent, void>;
  readonly body: ReadableStream<Uint8Array> | null;

  constructor({ status, headers, body }: Response, abort: AbortController) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.#abort = abort;
    this.#events = body === null ? readNothing() : readEvents(body);
  }

  async next(): Promise<ServerEvent | null> {
    const { value } = await this.#events.next();
    return value ?? null;
  }

  async names(): Promise<string[]> {
    const all: string[] = [];
    for (let one = await this.next(); one !== null; one = await this.next()) {
      all.push(one.id === null ? one.event : `${one.id} ${one.event}`);
    }
    return all;
  }

  async leave(): Promise<void> {
    this.#abort.abort();
    await this.#events.return();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}

async function* readNothing(): AsyncGenerator<ServerEvent, void> {}

/** A server with a run that stands in the body of its first step. */
async function openWorld(gate: StreamGate = new StreamGate()): Promise<World> {
  const opened = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const server = await openTestServer({
    functions: {
      a: () => {
        entered.resolve();
        return opened.promise;
      },
      b: () => ({ done: true }),
    },
  });
  const stopping = new AbortController();
  const app = createApp({
    engine: server.engine,
    log: createLog({ level: "error", write: () => undefined }),
    mode: "production",
    adminKeyDigest: null,
    stopping: stopping.signal,
    streams: gate,
  });
  const workflow = await server.install({ name: "Order", steps: STEPS });
  const started = await server.send("POST", `/api/v1/workflows/${workflow}/run`);
  await entered.promise;
  const { runId } = started.body.data;
  return {
    server,
    runId,
    gate,
    stop: () => stopping.abort(),
    open: () => opened.resolve(),
    follow: async (headers = {}) => {
      const abort = new AbortController();
      const request = new Request(`http://localhost/api/v1/runs/${runId}/events`, {
        headers: { "x-api-key": server.key, ...headers },
        signal: abort.signal,
      });
      return new Follower(await app.fetch(request), abort);
    },
    [Symbol.asyncDispose]: async () => {
      opened.resolve();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("GET /runs/{id}/events", () => {
  test("sends the run, then what it does, then its end, and ends", async () => {
    await using world = await openWorld();
    await using follower = await world.follow();
    expect(follower.status).toBe(200);
    expect(follower.headers.get("content-type")).toBe("text/event-stream");
    const first = await follower.next();
    expect(first).toMatchObject({ event: "run", id: null });
    expect(JSON.parse(first?.data ?? "")).toMatchObject({ id: world.runId, status: "running" });
    world.open();
    const completed = await follower.next();
    expect(completed).toMatchObject({ event: "step.completed", id: "1" });
    expect(JSON.parse(completed?.data ?? "")).toMatchObject({
      stepId: "a",
      attempt: 1,
      output: null,
    });
    expect(await follower.names()).toEqual(["step.started", "2 step.completed", "3 run.completed"]);
    expect(world.gate.open).toBe(0);
  });

  test("goes on after Last-Event-ID, and says 204 to whoever has heard the end", async () => {
    await using world = await openWorld();
    world.open();
    await world.server.send("GET", `/api/v1/runs/${world.runId}?wait=10`);
    const names = async (id: string): Promise<string[]> => {
      await using follower = await world.follow({ "last-event-id": id });
      return await follower.names();
    };
    expect(await names("1")).toEqual(["run", "2 step.completed", "3 run.completed"]);
    expect(await names("2")).toEqual(["run", "3 run.completed"]);
    await using heard = await world.follow({ "last-event-id": "3" });
    expect([heard.status, heard.body]).toEqual([204, null]);
    await using odd = await world.follow({ "last-event-id": "x" });
    expect(odd.status).toBe(400);
  });

  test("releases what a reader held who hangs up", async () => {
    await using world = await openWorld();
    const follower = await world.follow();
    await follower.next();
    expect(world.gate.open).toBe(1);
    await follower.leave();
    expect(world.gate.open).toBe(0);
  });

  test("ends all streams when the server stops", async () => {
    await using world = await openWorld();
    await using follower = await world.follow();
    await follower.next();
    world.stop();
    expect(await follower.next()).toBeNull();
    expect(world.gate.open).toBe(0);
  });

  test("refuses more streams than a process may have", async () => {
    await using world = await openWorld(new StreamGate(1));
    const first = await world.follow();
    await using second = await world.follow();
    expect(second.status).toBe(503);
    expect(second.headers.get("retry-after")).toBe("1");
    await first.leave();
    await using third = await world.follow();
    expect(third.status).toBe(200);
  });

  test("sends a comment while nothing happens", async () => {
    await using world = await openWorld(
      new StreamGate(9, { heartbeatMs: 5, missedHeartbeats: 1e6 }),
    );
    await using follower = await world.follow();
    const reader = follower.body?.getReader();
    const decoder = new TextDecoder();
    let text = "";
    while (!text.includes("\n\n:\n\n")) text += decoder.decode((await reader?.read())?.value);
    expect(text).toMatch(/^event: run\n/);
    await reader?.cancel();
    expect(world.gate.open).toBe(0);
  });

  test("lets a reader go who takes nothing for long", async () => {
    await using world = await openWorld(new StreamGate(9, { heartbeatMs: 2, missedHeartbeats: 3 }));
    const follower = await world.follow();
    world.open();
    await world.server.send("GET", `/api/v1/runs/${world.runId}?wait=10`);
    // To look whether a stream has ended takes nothing from it.
    await expect(follower.body?.getReader().closed).rejects.toThrow("takes nothing");
    expect(world.gate.open).toBe(0);
  });

  test("is 404 for another tenant's run or none", async () => {
    await using world = await openWorld();
    const path = "/api/v1/runs/run_01JD0Q8Y7C1V0Z0G0000000000/events";
    expect(await world.server.send("GET", path)).toMatchObject({ status: 404 });
  });
});
