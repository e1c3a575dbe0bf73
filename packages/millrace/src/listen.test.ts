import { DEFAULT_TENANT } from "@millrace/protocol";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../tools/testkit/open-test-server.ts";
import { StreamGate } from "./event-stream.ts";
import { listen, type Listener, type ListenOptions } from "./listen.ts";

interface World extends AsyncDisposable {
  readonly server: TestServer;
  readonly listener: Listener;
  readonly url: string;
  /** Sends bytes, and gives everything that comes back until the server hangs up. */
  exchange(...parts: readonly string[]): Promise<string>;
  open(): Socket;
}

interface Options extends Omit<ListenOptions, "app" | "host" | "port"> {
  readonly streams?: StreamGate;
}

async function openWorld({ streams, ...options }: Options = {}, functions = {}): Promise<World> {
  const server = await openTestServer({ functions, ...(streams === undefined ? {} : { streams }) });
  const listener = await listen({ app: server.app, host: "127.0.0.1", port: 0, ...options });
  const open = (): Socket => {
    const socket = connect(listener.port, "127.0.0.1");
    // A server that hangs up may do so by a reset, which is what some tests are after.
    socket.on("error", () => {});
    return socket;
  };
  return {
    server,
    listener,
    url: `http://127.0.0.1:${listener.port}`,
    open,
    exchange: async (...parts) => {
      const socket = open();
      const chunks: string[] = [];
      socket.on("data", (chunk) => chunks.push(chunk.toString()));
      const closed = new Promise((resolve) => socket.once("close", resolve));
      for (const part of parts) socket.write(part);
      await closed;
      return chunks.join("");
    },
    [Symbol.asyncDispose]: async () => {
      await listener.close({ graceMs: 0 });
      await server[Symbol.asyncDispose]();
    },
  };
}

const head = (line: string, ...headers: readonly string[]): string =>
  [line, "host: localhost", ...headers, "", ""].join("\r\n");

describe("a listener", () => {
  test("refuses a body by its declared length, before the body is sent", async () => {
    await using world = await openWorld();
    const key = `x-api-key: ${world.server.key}`;
    await world.server.install({
      id: "wf_x",
      name: "X",
      steps: [{ id: "one", type: "transform", config: { mapping: {} } }],
    });
    const socket = world.open();
    socket.write(head("POST /api/v1/workflows/wf_x/run HTTP/1.1", key, "content-length: 10485760"));
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer.toString()).toContain("The body has 10485760 bytes; the limit is 2097152 bytes");
  });

  test("never says continue to a body that it will refuse", async () => {
    await using world = await openWorld();
    const expectation = "expect: 100-continue";
    const first = async (length: number, path = "/api/v1/runs/x/cancel"): Promise<string> => {
      const socket = world.open();
      const line = `POST ${path} HTTP/1.1`;
      socket.write(head(line, expectation, `content-length: ${length}`));
      const [answer] = (await once(socket, "data")) as [Buffer];
      socket.destroy();
      return answer.toString().split("\r\n")[0] ?? "";
    };
    expect(await first(2)).toBe("HTTP/1.1 100 Continue");
    expect(await first(10_485_760)).toBe("HTTP/1.1 401 Unauthorized");
    const bulk = "/api/v1/workflows/wf_a/run/batch";
    expect(await first(10_485_760, bulk)).toBe("HTTP/1.1 100 Continue");
    expect(await first(104_857_600, bulk)).toBe("HTTP/1.1 401 Unauthorized");
  });

  test("sends events as they come, and gives a reader's place back when he hangs up", async () => {
    const gate = new StreamGate(1);
    await using world = await openWorld({ streams: gate });
    const workflow = await world.server.install({
      name: "Sleep",
      steps: [{ id: "pause", type: "wait", config: { duration: 3_600_000 } }],
    });
    const path = `/api/v1/workflows/${workflow}/run`;
    const { runId } = (await world.server.send("POST", path)).body.data;
    const life = new AbortController();
    const response = await fetch(`${world.url}/api/v1/runs/${runId}/events`, {
      headers: { "x-api-key": world.server.key },
      signal: life.signal,
    });
    const body: ReadableStream<Uint8Array> | null = response.body;
    const first = await body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toMatch(/^event: run\ndata: {/);
    expect(gate.open).toBe(1);
    life.abort();
    await expect.poll(() => gate.open).toBe(0);
  });

  test("counts a body that comes in chunks", async () => {
    await using world = await openWorld();
    const response = await fetch(`${world.url}/api/v1/workflows`, {
      method: "POST",
      headers: { "x-api-key": world.server.key },
      body: new ReadableStream({
        start: (controller) => {
          for (let n = 0; n < 160; n++) controller.enqueue(new Uint8Array(65_536));
          controller.close();
        },
      }),
      duplex: "half",
    });
    expect(response.status).toBe(413);
  });

  test("answers what is not HTTP in the envelope, and hangs up", async () => {
    await using world = await openWorld();
    const answer = await world.exchange("nonsense\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/x-request-id: req_/);
    expect(answer).toContain(`"message":"This is not an HTTP request"`);
  });

  test("answers headers that are too large", async () => {
    await using world = await openWorld();
    const flood = `x-flood: ${"x".repeat(20_000)}`;
    const answer = await world.exchange(head("GET /health/live HTTP/1.1", flood));
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain("The headers are larger than 16384 bytes");
  });

  test("answers a host or an address that cannot be read", async () => {
    await using world = await openWorld();
    for (const line of ["GET nothing HTTP/1.1", "GET /a\\b HTTP/1.1", "OPTIONS * HTTP/1.1"]) {
      const answer = await world.exchange(head(line, "connection: close"));
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(answer).toContain(`"success":false`);
    }
    const badHost = await world.exchange(
      "GET /health/live HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n",
    );
    expect(badHost).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("hangs up on headers that do not arrive in time", async () => {
    await using world = await openWorld({ headersTimeoutMs: 20 });
    const answer = await world.exchange("GET /health/live HTTP/1.1\r\nhost: ");
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain(`"reason":"request.timeout"`);
  });

  test("hangs up on a body that does not arrive in time", async () => {
    await using world = await openWorld({ headersTimeoutMs: 20, requestTimeoutMs: 40 });
    const key = `x-api-key: ${world.server.key}`;
    const line = "POST /api/v1/workflows HTTP/1.1";
    const answer = await world.exchange(head(line, key, "content-length: 100"), `{"name":`);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  test("tells the engine the address of the peer, not what a header claims", async () => {
    await using world = await openWorld();
    await fetch(`${world.url}/api/v1/workflows`, {
      method: "POST",
      headers: { "x-api-key": world.server.key, "x-forwarded-for": "203.0.113.7" },
      body: JSON.stringify({
        name: "X",
        steps: [{ id: "one", type: "transform", config: { mapping: {} } }],
      }),
    });
    const [row] = (await world.server.engine.listAudit(DEFAULT_TENANT, 1)).rows;
    expect(row).toMatchObject({ action: "workflow.create", address: "127.0.0.1" });
  });

  test("leaves the global Request and Response as they were", async () => {
    await using world = await openWorld();
    const response = await fetch(`${world.url}/health/live`);
    expect(response instanceof Response).toBe(true);
    expect(new Request(world.url) instanceof Request).toBe(true);
  });
});

describe("closing a listener", () => {
  test("lets a request finish and hangs up on idle connections", async () => {
    const opened = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const pass = async (): Promise<string> => {
      entered.resolve();
      await opened.promise;
      return "passed";
    };
    await using world = await openWorld({}, { pass });
    const steps = [{ id: "pass", type: "function", function: "pass" }];
    await world.server.install({ id: "wf_gate", name: "Gate", steps });
    const idle = world.open();
    idle.write(head("GET /health/live HTTP/1.1"));
    await once(idle, "data");
    const hungUp = once(idle, "close");
    const answer = fetch(`${world.url}/api/v1/workflows/wf_gate/run?wait=30`, {
      method: "POST",
      headers: { "x-api-key": world.server.key },
    });
    await entered.promise;
    const closed = world.listener.close();
    await hungUp;
    opened.resolve();
    expect(await (await answer).json()).toMatchObject({ data: { output: "passed" } });
    await closed;
    await expect(fetch(world.url)).rejects.toThrow("fetch failed");
  });

  test("cuts off what does not end in time", async () => {
    await using world = await openWorld({}, { hang: () => new Promise(() => {}) });
    const steps = [{ id: "hang", type: "function", function: "hang" }];
    await world.server.install({ id: "wf_hang", name: "Hang", steps });
    const socket = world.open();
    const key = `x-api-key: ${world.server.key}`;
    socket.write(head("POST /api/v1/workflows/wf_hang/run?wait=60 HTTP/1.1", key));
    await once(socket, "connect");
    const hungUp = new Promise((resolve) => socket.once("close", resolve));
    await Promise.all([hungUp, world.listener.close({ graceMs: 1 })]);
    expect(socket.destroyed).toBe(true);
  });
});
