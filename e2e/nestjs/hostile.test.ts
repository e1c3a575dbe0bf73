// What an application gets from strangers, and from its own mistakes.
import {
  UserRunService,
  WebhookSignature,
  Workflow,
  Workspace,
  type RunService,
  type WorkflowContext,
} from "@millrace/nestjs";
import { ExecutionContextHost } from "@nestjs/core/helpers/execution-context-host.js";
import { describe, expect, test } from "vitest";
import { soon } from "../deadline.ts";
import { faultOf } from "./fault-of.ts";
import { on, openApp, openEngine, type EngineWorld, type TestApp } from "./open-app.ts";

@Workflow()
class Echo {
  run(_: WorkflowContext, args: unknown): unknown {
    return args;
  }
}

const Nameless = (() => class {})();
Workspace("desk")(Nameless);
const NamelessWorkflow = (() =>
  class {
    run(): string {
      return "nameless";
    }
  })();
Workflow("has-one")(NamelessWorkflow);

interface World extends AsyncDisposable {
  readonly world: EngineWorld;
  readonly app: TestApp;
  readonly runs: RunService;
  count(): Promise<number>;
}

async function openWorld(options: Parameters<typeof on>[1] = {}): Promise<World> {
  const world = await openEngine();
  const providers = [Echo, NamelessWorkflow, Nameless];
  const app = await openApp({ millrace: on(world, options), providers });
  return {
    world,
    app,
    runs: app.runs,
    count: async () => (await world.client.runs.list().page()).items.length,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

const nest = (levels: number): unknown => {
  let value: unknown = 1;
  for (let n = 0; n < levels; n++) value = { value };
  return value;
};

/** So many bytes of JSON. */
const textOf = (bytes: number): string => "x".repeat(bytes - 2);
const MIB = 1_048_576;

const refuse = (): never => {
  throw new Error("card 4111 1111");
};

describe("a payload", () => {
  test("of exactly the limit is taken, and a byte more is refused for itself alone", async () => {
    await using app = await openWorld();
    const item = (payload: unknown) =>
      ({ workflow: Echo, workspace: "desk", payload, userId: "ada" }) as const;
    const outcomes = await app.runs.runMany([item(textOf(MIB)), item(textOf(MIB + 1))]);
    expect(outcomes).toMatchObject([
      { outcome: "created" },
      { outcome: "rejected", error: { code: "payload.too-large", status: 413 } },
    ]);
    expect(await app.count()).toBe(1);
  });

  test.each([
    ["10,000 levels", nest(10_000)],
    ["a `toJSON` that throws", { toJSON: refuse }],
    ["a getter that throws", Object.defineProperty({}, "a", { get: refuse, enumerable: true })],
    ["a proxy that throws", new Proxy({}, { ownKeys: refuse })],
  ])("with %s is refused, and keeps no other back", async (_, payload) => {
    await using app = await openWorld();
    const item = { workflow: Echo, workspace: "desk", userId: "ada" } as const;
    const [bad, good] = await app.runs.runMany([{ ...item, payload }, item]);
    expect(bad).toMatchObject({ outcome: "rejected", error: { code: "input.invalid" } });
    expect(JSON.stringify(bad)).not.toContain("4111");
    expect(good).toMatchObject({ outcome: "created" });
  });

  test("reaches the workflow with its key `__proto__`, which pollutes nothing", async () => {
    await using app = await openWorld();
    const payload: unknown = JSON.parse('{"__proto__":{"isAdmin":true}}');
    const { runId } = await app.runs.run(Echo, "desk", payload, "ada");
    const result = await soon("the result", app.world.client.run(runId).result());
    expect(JSON.stringify(result)).toBe('{"__proto__":{"isAdmin":true}}');
    expect(Reflect.get({}, "isAdmin")).toBeUndefined();
  });
});

describe("a payload of a request's user", () => {
  test("is as it was at the call, however long it takes to find out who that is", async () => {
    await using app = await openWorld();
    const user = Promise.withResolvers<string>();
    const options = on(app.world, { userOf: () => user.promise });
    const payload = { total: 5 };
    const receipt = new UserRunService(app.runs, options, {}).run(Echo, "desk", payload);
    payload.total = 9;
    user.resolve("ada");
    const { runId } = await receipt;
    expect(await soon("the result", app.world.client.run(runId).result())).toEqual({ total: 5 });
  });

  test("is refused as any other", async () => {
    await using app = await openWorld();
    const options = on(app.world, { userOf: () => "ada" });
    const refused = new UserRunService(app.runs, options, {}).run(Echo, "desk", { n: 1n });
    expect((await faultOf(refused)).code).toBe("input.invalid");
  });
});

describe("a user", () => {
  test.each([
    ["of 256 characters", "u".repeat(256), "Must be at most 255 characters, received 256"],
    ["with a NUL", "ada\u0000", "Must not contain control characters; found U+0000"],
    ["who is a list, as of a query string", ["ada", "grace"], "Expected string, received array"],
    ["who is an object", { $ne: "" }, "Expected string, received object"],
    ["who is a boxed text", Object("ada"), "Expected string, received object"],
    ["who is false", false, "Expected string, received boolean"],
  ])("%s is refused", async (_, userId, problem) => {
    const asked: unknown[] = [];
    const isUser = (user: string): boolean => asked.push(user) > 0;
    await using app = await openWorld({ isUser });
    const fault = await faultOf(app.runs.run(Echo, "desk", {}, userId as string));
    expect([fault.code, fault.message]).toEqual(["request.invalid", `\`userId\`: ${problem}`]);
    expect(asked).toEqual([]);
    expect(await app.count()).toBe(0);
  });

  test("of 255 characters is a user", async () => {
    await using app = await openWorld();
    const { runId } = await app.runs.run(Echo, "desk", {}, "u".repeat(255));
    expect((await app.world.client.runs.get(runId))?.user).toHaveLength(255);
  });

  test("check that breaks stores nothing, and stays what it is", async () => {
    const broken = new TypeError("no such table");
    const isUser = (): Promise<boolean> => Promise.reject(broken);
    await using app = await openWorld({ isUser });
    await expect(app.runs.run(Echo, "desk", {}, "ada")).rejects.toBe(broken);
    expect(await app.count()).toBe(0);
  });
});

describe("no name", () => {
  test("finds no class, not even one without a name", async () => {
    await using app = await openWorld();
    expect((await faultOf(app.runs.run("", "desk", {}, "ada"))).code).toMatch(
      /^(workflow\.not-found|request\.invalid)$/,
    );
    const workspace = await faultOf(app.runs.run(Echo, "", {}, "ada"));
    expect(workspace.message).toMatch(/There is no workspace ""/);
    expect(await app.count()).toBe(0);
    const receipt = await app.runs.run(NamelessWorkflow, Nameless, {}, "ada");
    expect(receipt.outcome).toBe("created");
  });

  test.each(["constructor", "__proto__", "toString"])("%s finds anything", async (name) => {
    await using app = await openWorld();
    expect((await faultOf(app.runs.run(name, "desk", {}, "ada"))).code).toBe("workflow.not-found");
    expect((await faultOf(app.runs.run(Echo, name, {}, "ada"))).code).toBe("request.invalid");
  });
});

describe("a guard of webhooks", () => {
  test.each(["rpc", "ws", "graphql"])("lets nothing of %s through", async (type) => {
    const guard = WebhookSignature.stripe("secret of a test");
    const context = new ExecutionContextHost([{}, { headers: {} }]);
    context.setType(type);
    const thrown: unknown = await Promise.resolve(guard.canActivate(context)).catch(
      (error: unknown) => error,
    );
    expect(String(thrown)).toMatch(/checks requests of HTTP/);
    expect(String(thrown)).not.toContain("secret of a test");
  });
});
