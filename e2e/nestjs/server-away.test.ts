// An application whose server is another process: away when it starts, away later, and back.
import {
  MillraceException,
  MillraceHealthIndicator,
  Workflow,
  Workspace,
  type ServerModuleOptions,
  type WorkflowContext,
} from "@millrace/nestjs";
import { MillraceError } from "@millrace/sdk/client";
import { describe, expect, test } from "vitest";
import { soon, TEST_TIMEOUT_MS, waitFor } from "../deadline.ts";
import { openHttpWorld, type HttpWorld } from "../open-client-world.ts";
import { openApp, type TestApp } from "./open-app.ts";

@Workflow({ retries: 3 })
class Greet {
  async run(ctx: WorkflowContext, { name }: { readonly name: string }): Promise<string> {
    return ctx.run("compose", () => `Hello, ${name}`);
  }
}

@Workspace()
class DefaultWorkspace {}

const toServer = (
  world: HttpWorld,
  options: Partial<ServerModuleOptions> = {},
): ServerModuleOptions => ({
  url: world.url,
  key: world.server.key,
  ...options,
});

const openOn = (millrace: ServerModuleOptions): Promise<TestApp> =>
  openApp({ millrace, providers: [Greet, DefaultWorkspace] });

const greet = async ({ runs }: TestApp): Promise<string> =>
  (await runs.run(Greet, DefaultWorkspace, { name: "Ada" }, "ada")).runId;

/** A `fetch` that tells how often it found nobody. */
function countGone(): { readonly fetch: typeof fetch; count: number } {
  const counted = {
    count: 0,
    fetch: async (...args: Parameters<typeof fetch>): Promise<Response> => {
      try {
        return await fetch(...args);
      } catch (error) {
        counted.count += 1;
        throw error;
      }
    },
  };
  return counted;
}

async function faultOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "it was not rejected",
    (error: unknown) => error,
  );
}

describe("an application of a server", { timeout: TEST_TIMEOUT_MS }, () => {
  test("starts runs there, and executes them here", async () => {
    await using world = await openHttpWorld();
    await using app = await openOn(toServer(world));
    const runId = await greet(app);
    expect(await soon("the result", world.client.run(runId).result())).toBe("Hello, Ada");
    expect(await app.get(MillraceHealthIndicator).isHealthy()).toEqual({
      millrace: { status: "up" },
    });
  });

  test("starts while the server is away, says so, and works when it comes", async () => {
    await using world = await openHttpWorld();
    await world.goAway();
    await using app = await openOn(toServer(world));
    expect(app.log.join("\n")).toMatch(/No answer from http.*attaches when the server answers/);
    const run = greet(app);
    await world.comeBack();
    const runId = await soon("the start", run);
    expect(await soon("the result", world.client.run(runId).result())).toBe("Hello, Ada");
    await waitFor("the log", () =>
      app.log.some((line) => line.includes("The worker is attached")) ? true : undefined,
    );
  });

  test("waits with a start while the server is away, and its worker finds it again", async () => {
    await using world = await openHttpWorld();
    const gone = countGone();
    await using app = await openOn(toServer(world, { fetch: gone.fetch }));
    const first = await greet(app);
    await soon("the first result", world.client.run(first).result());
    await world.goAway();
    const run = greet(app);
    await waitFor("tries that find nobody", () => (gone.count >= 3 ? true : undefined));
    await world.comeBack();
    const runId = await soon("the start", run);
    expect(await soon("the result", world.client.run(runId).result())).toBe("Hello, Ada");
    expect((await world.client.runs.list().page()).items).toHaveLength(2);
  });

  test("is down, and answers 503, while the server is away", async () => {
    await using world = await openHttpWorld();
    await using app = await openOn(toServer(world, { retryForMs: 0 }));
    const health = app.get(MillraceHealthIndicator);
    await world.goAway();
    const { millrace } = await health.isHealthy();
    expect([millrace.status, millrace.message]).toEqual([
      "down",
      expect.stringMatching(/^No answer from http/),
    ]);
    const fault = await faultOf(greet(app));
    expect(fault).toBeInstanceOf(MillraceException);
    expect(fault).toMatchObject({ code: "server.unreachable", status: 503 });
    expect(app.log.join("\n")).toMatch(/error server\.unreachable: No answer/);
    await world.comeBack();
    await waitFor("health", async () => {
      const { millrace } = await health.isHealthy();
      return millrace.status === "up" ? true : undefined;
    });
  });

  test("does not wait for its worker longer than for the server", async () => {
    await using world = await openHttpWorld();
    await world.goAway();
    await using app = await openOn(toServer(world, { retryForMs: 0 }));
    expect(await faultOf(greet(app))).toMatchObject({ code: "server.unreachable", status: 503 });
    expect(await app.get(MillraceHealthIndicator).isHealthy()).toMatchObject({
      millrace: { status: "down" },
    });
  });

  test("starts, and stops, where the server goes away between the question and the worker", async () => {
    await using world = await openHttpWorld();
    const options = toServer(world, {
      fetch: (input, init) =>
        init?.method === "POST" && input === `${world.url}/api/v1/workers`
          ? Promise.reject(new TypeError("fetch failed"))
          : fetch(input, init),
    });
    const app = await soon("the start of the application", openOn(options));
    expect(app.log.join("\n")).toMatch(/attaches when the server answers/);
    expect(await app.get(MillraceHealthIndicator).isHealthy()).toMatchObject({
      millrace: { status: "down" },
    });
    await soon("the end of the application", app.nest.close());
  });

  test("tells its clients that it is away, but not where the server stands", async () => {
    await using world = await openHttpWorld();
    await world.goAway();
    await using app = await openOn(toServer(world, { retryForMs: 0, worker: false }));
    const fault = await faultOf(greet(app));
    expect(fault).toMatchObject({ message: expect.stringContaining(world.url) as string });
    if (!(fault instanceof MillraceException)) throw fault;
    expect(fault.getResponse()).toMatchObject({ statusCode: 503, code: "server.unreachable" });
    expect(JSON.stringify(fault.getResponse())).not.toContain("127.0.0.1");
    await world.comeBack();
  });

  test("does not start with a key that the server does not know", async () => {
    await using world = await openHttpWorld();
    const thrown = await faultOf(openOn(toServer(world, { key: "mr_nobody" })));
    expect(MillraceError.is(thrown) && thrown.code).toBe("request.unauthorized");
  });

  test("does not tell its own clients about its key", async () => {
    await using world = await openHttpWorld();
    const millrace = toServer(world, { key: "mr_nobody", worker: false });
    await using app = await openOn(millrace);
    const fault = await faultOf(greet(app));
    expect(fault).toBeInstanceOf(MillraceException);
    expect(fault).toMatchObject({
      code: "request.unauthorized",
      response: { statusCode: 500, message: "Internal server error" },
    });
    expect(app.log.join("\n")).toMatch(/error request\.unauthorized: /);
    expect(await app.get(MillraceHealthIndicator).isHealthy()).toMatchObject({
      millrace: { status: "down" },
    });
  });

  test("stops while the server is away", async () => {
    await using world = await openHttpWorld();
    await world.goAway();
    const app = await openOn(toServer(world));
    await soon("the end of the application", app.nest.close());
    expect(app.log.join("\n")).not.toMatch(/could not attach/);
    await world.comeBack();
  });
});
