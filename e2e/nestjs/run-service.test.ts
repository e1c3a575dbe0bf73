// Runs that an application starts on an engine in its own process.
import {
  type RunService,
  Workflow,
  Workspace,
  type RunItem,
  type StandardSchema,
  type WorkflowContext,
} from "@millrace/nestjs";
import { DEFAULT_TENANT } from "@millrace/protocol";
import { Injectable } from "@nestjs/common";
import { describe, expect, test } from "vitest";
import { soon } from "../deadline.ts";
import { faultOf } from "./fault-of.ts";
import { on, openApp, openEngine, type EngineWorld, type TestApp } from "./open-app.ts";

@Injectable()
class Prices {
  of(sku: string): number {
    return sku === "lamp" ? 40 : 5;
  }
}

@Workflow()
class ProcessOrder {
  readonly #prices: Prices;

  constructor(prices: Prices) {
    this.#prices = prices;
  }

  async run(ctx: WorkflowContext, args: { readonly sku?: string }): Promise<object> {
    const price = await ctx.run("price", () => this.#prices.of(args.sku ?? ""));
    return { price, args, userId: ctx.userId, workspace: ctx.workspace, metadata: ctx.metadata };
  }
}

/** Takes `{ times }`, a number; 3 if it is not there. */
const TIMES: StandardSchema<{ readonly times?: number }, { readonly times: number }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const { times = 3 } = value as { readonly times?: unknown };
      return typeof times === "number"
        ? { value: { times } }
        : { issues: [{ message: "Must be a number", path: ["times"] }] };
    },
  },
};

@Workflow({ name: "remind", input: TIMES })
class RemindCustomer {
  run(_: WorkflowContext, { times }: { readonly times: number }): number {
    return times;
  }
}

/** Nobody leaves before all have come. */
@Workflow()
class Meet {
  readonly #all = Promise.withResolvers<void>();
  #guests = 0;

  async run(ctx: WorkflowContext, { guests }: { readonly guests: number }): Promise<number> {
    return ctx.run("meet", async () => {
      this.#guests += 1;
      if (this.#guests === guests) this.#all.resolve();
      await this.#all.promise;
      return this.#guests;
    });
  }
}

@Workspace()
class OrdersWorkspace {}

class PlainWorkspace {}

const PROVIDERS = [Prices, ProcessOrder, RemindCustomer, Meet, OrdersWorkspace];

interface Shop extends AsyncDisposable {
  readonly world: EngineWorld;
  readonly app: TestApp;
  readonly runs: RunService;
  result(runId: string): Promise<unknown>;
  count(): Promise<number>;
}

async function openShop(options: Parameters<typeof on>[1] = {}): Promise<Shop> {
  const world = await openEngine();
  const millrace = on(world, { workspaces: [PlainWorkspace], ...options });
  const app = await openApp({ millrace, providers: PROVIDERS });
  return {
    world,
    app,
    runs: app.runs,
    result: (runId) => soon("a result", world.client.run(runId).result()),
    count: async () => (await world.client.runs.list().page()).items.length,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

describe("RunService", () => {
  test("runs a workflow class with what Nest injects, for a user in a workspace", async () => {
    await using shop = await openShop();
    const receipt = await shop.runs.run(
      ProcessOrder.name,
      OrdersWorkspace.name,
      { sku: "lamp" },
      "ada",
      { metadata: { source: "test" }, workspaceTitle: "Orders of Ada" },
    );
    expect(await shop.result(receipt.runId)).toEqual({
      price: 40,
      args: { sku: "lamp" },
      userId: "ada",
      workspace: "OrdersWorkspace",
      metadata: { source: "test", workspaceTitle: "Orders of Ada" },
    });
  });

  test("answers with the ids of the run, its workspace and its worker", async () => {
    await using shop = await openShop({ worker: { name: "orders@host-1" } });
    const first = await shop.runs.run(ProcessOrder, OrdersWorkspace, {}, "ada");
    const second = await shop.runs.run(ProcessOrder, OrdersWorkspace, {}, "ada");
    const other = await shop.runs.run(ProcessOrder, OrdersWorkspace, {}, "grace");
    const { runId, workspaceId, ...rest } = first;
    expect(rest).toEqual({
      workflowId: runId,
      pipelineId: runId,
      workerId: "orders@host-1",
      outcome: "created",
    });
    expect(runId).toMatch(/^run_/);
    expect(workspaceId).toMatch(/^wsp_[0-9A-Z]{26}$/);
    expect(second.runId).not.toBe(first.runId);
    expect(second.workspaceId).toBe(first.workspaceId);
    expect(other.workspaceId).not.toBe(first.workspaceId);
  });

  test("finds a workflow by its class, its class's name and its own name", async () => {
    await using shop = await openShop();
    for (const workflow of [RemindCustomer, "RemindCustomer", "remind"]) {
      const { runId } = await shop.runs.run(workflow, PlainWorkspace, { times: 2 }, "ada");
      expect(await shop.result(runId)).toBe(2);
    }
  });

  test("fills in defaults of the schema, also if there is no payload", async () => {
    await using shop = await openShop();
    const { runId } = await shop.runs.run("remind", "PlainWorkspace", undefined, "ada");
    expect(await shop.result(runId)).toBe(3);
  });

  test("stores dates as ISO text, and leaves out what is undefined", async () => {
    await using shop = await openShop();
    const at = new Date(0);
    const payload = { at, nothing: undefined, list: [1, null] };
    const { runId } = await shop.runs.run(ProcessOrder, OrdersWorkspace, payload, "ada");
    const args = { at: "1970-01-01T00:00:00.000Z", list: [1, null] };
    expect(await shop.result(runId)).toMatchObject({ args });
  });

  test("takes the payload as it is at the call", async () => {
    await using shop = await openShop({ isUser: () => Promise.resolve(true) });
    const payload = { sku: "lamp" };
    const started = shop.runs.run(ProcessOrder, OrdersWorkspace, payload, "ada");
    payload.sku = "rug";
    const { runId } = await started;
    expect(await shop.result(runId)).toMatchObject({ price: 40, args: { sku: "lamp" } });
  });

  test.each([
    ["text", "lamp"],
    ["a list", [1, 2]],
    ["null", null],
    ["a number", 0],
  ])("takes %s as a payload", async (_, payload) => {
    await using shop = await openShop();
    const { runId } = await shop.runs.run(ProcessOrder, OrdersWorkspace, payload, "ada");
    const { input } = await shop.world.client.run(runId).get();
    expect(input).toEqual(payload);
  });
});

const cycle: { order: { items: unknown[] } } = { order: { items: [] } };
cycle.order.items.push({ of: cycle.order });

type Call = (runs: RunService) => Promise<unknown>;

const REFUSED: readonly (readonly [string, Call, string, number, string | RegExp])[] = [
  [
    "a workflow that nobody has",
    (runs) => runs.run("ProcessOrders", "OrdersWorkspace", {}, "ada"),
    "workflow.not-found",
    404,
    /"ProcessOrders" is not found.*registered as a provider.*Did you mean "ProcessOrder"\?/,
  ],
  [
    "a class that nobody provides",
    (runs) => runs.run(class Elsewhere extends RemindCustomer {}, "OrdersWorkspace", {}, "ada"),
    "workflow.not-found",
    404,
    /"Elsewhere" is not found/,
  ],
  [
    "a workspace that nobody has",
    (runs) => runs.run("ProcessOrder", "OrderWorkspace", {}, "ada"),
    "request.invalid",
    400,
    /no workspace "OrderWorkspace".*Did you mean "OrdersWorkspace"\?/,
  ],
  [
    "a workspace that is none",
    (runs) => runs.run("ProcessOrder", undefined as unknown as string, {}, "ada"),
    "request.invalid",
    400,
    "The workspace must be a name or a class, received undefined",
  ],
  [
    "no user",
    // As callers do it who have no types.
    (runs) => runs.run("ProcessOrder", "OrdersWorkspace", {}, undefined as unknown as string),
    "request.invalid",
    400,
    "userId is required",
  ],
  [
    "an empty user",
    (runs) => runs.run("ProcessOrder", "OrdersWorkspace", {}, ""),
    "request.invalid",
    400,
    "userId is required",
  ],
  [
    "a user that is no text",
    (runs) => runs.run("ProcessOrder", "OrdersWorkspace", {}, 7 as unknown as string),
    "request.invalid",
    400,
    "`userId`: Expected string, received number",
  ],
  [
    "a payload that does not fit the schema",
    (runs) => runs.run("remind", "OrdersWorkspace", { times: "often" }, "ada"),
    "input.invalid",
    400,
    "The input does not fit its schema: times: Must be a number",
  ],
  [
    "a circular payload",
    (runs) => runs.run("ProcessOrder", "OrdersWorkspace", cycle, "ada"),
    "input.invalid",
    400,
    "The payload cannot be stored as JSON: payload.order.items.0.of: a cycle: it is payload.order again",
  ],
  [
    "a function in the payload",
    (runs) => runs.run("ProcessOrder", "OrdersWorkspace", { on: { done: () => 1 } }, "ada"),
    "input.invalid",
    400,
    "The payload cannot be stored as JSON: payload.on.done: a function",
  ],
  [
    "a BigInt in the payload",
    (runs) => runs.run("ProcessOrder", "OrdersWorkspace", [1n], "ada"),
    "input.invalid",
    400,
    "The payload cannot be stored as JSON: payload.0: a BigInt; send it as text",
  ],
];

describe("RunService stores nothing", () => {
  test.each(REFUSED)("if there is %s", async (_, call, code, status, message) => {
    await using shop = await openShop();
    const fault = await faultOf(call(shop.runs));
    expect({ code: fault.code, status: fault.getStatus() }).toEqual({ code, status });
    expect(fault.message).toMatch(message);
    expect(await shop.count()).toBe(0);
  });

  test("if the application does not know the user", async () => {
    const asked: string[] = [];
    await using shop = await openShop({
      isUser: (userId) => {
        asked.push(userId);
        return Promise.resolve(userId === "ada");
      },
    });
    const fault = await faultOf(shop.runs.run("ProcessOrder", "OrdersWorkspace", {}, "mallory"));
    expect([fault.code, fault.message]).toEqual(["request.invalid", 'There is no user "mallory"']);
    expect(await shop.count()).toBe(0);
    await shop.runs.run("ProcessOrder", "OrdersWorkspace", {}, "ada");
    expect(asked).toEqual(["mallory", "ada"]);
  });
});

describe("runMany", () => {
  test("gives each item an outcome, and those that are wrong keep no others back", async () => {
    await using shop = await openShop();
    const outcomes = await shop.runs.runMany([
      {
        workflow: ProcessOrder,
        workspace: OrdersWorkspace,
        payload: { sku: "lamp" },
        userId: "ada",
      },
      { workflow: ProcessOrder, workspace: OrdersWorkspace, payload: cycle, userId: "ada" },
      { workflow: "Nobody", workspace: OrdersWorkspace, userId: "ada" },
      { workflow: RemindCustomer, workspace: OrdersWorkspace, userId: "grace" },
    ]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      "created",
      "rejected",
      "rejected",
      "created",
    ]);
    const codes = outcomes.flatMap((it) => ("error" in it ? [it.error.code] : []));
    expect(codes).toEqual(["input.invalid", "workflow.not-found"]);
    expect(await shop.count()).toBe(2);
  });

  test("starts one run a key, and tells what was there", async () => {
    await using shop = await openShop();
    const item = (n: number): RunItem => ({
      workflow: ProcessOrder,
      workspace: OrdersWorkspace,
      payload: { n },
      userId: `user-${n}`,
    });
    const idempotencyKey = ({ userId }: RunItem): string => `daily-${userId}`;
    const first = await shop.runs.runMany([item(1), item(2)], { idempotencyKey });
    const again = await shop.runs.runMany([item(1), { ...item(2), payload: {} }], {
      idempotencyKey,
    });
    expect(first.map(({ outcome }) => outcome)).toEqual(["created", "created"]);
    expect(again.map(({ outcome }) => outcome)).toEqual(["existing", "conflict"]);
    const ids = (all: typeof first): unknown[] => all.map((it) => "runId" in it && it.runId);
    expect(ids(again)).toEqual(ids(first));
    expect(await shop.count()).toBe(2);
  });

  test("makes one workspace a user, however many runs are the first", async () => {
    await using shop = await openShop();
    const users = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? "ada" : "grace"));
    const receipts = await Promise.all(
      users.map((user) => shop.runs.run(ProcessOrder, OrdersWorkspace, {}, user)),
    );
    await Promise.all(receipts.map(({ runId }) => shop.result(runId)));
    const all = { after: null, limit: 10 };
    const found = await shop.world.engine.workspaces.list(DEFAULT_TENANT, all);
    expect(found.map(({ name, user }) => [name, user])).toEqual([
      ["OrdersWorkspace", "ada"],
      ["OrdersWorkspace", "grace"],
    ]);
    expect(new Set(receipts.map(({ runId }) => runId)).size).toBe(40);
    expect(new Set(receipts.map(({ workspaceId }) => workspaceId)).size).toBe(2);
  });

  test("lets runs of one user and workspace overlap", async () => {
    await using shop = await openShop();
    const items = Array.from({ length: 3 }, () => ({
      workflow: Meet,
      workspace: OrdersWorkspace,
      payload: { guests: 3 },
      userId: "ada",
    }));
    const started = await shop.runs.runMany(items);
    const ids = started.flatMap((it) => ("runId" in it ? [it.runId] : []));
    expect(await Promise.all(ids.map((id) => shop.result(id)))).toEqual([3, 3, 3]);
  });

  test("starts nothing if there is nothing to start", async () => {
    await using shop = await openShop();
    expect(await shop.runs.runMany([])).toEqual([]);
  });
});
