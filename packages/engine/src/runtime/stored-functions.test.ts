import {
  ActionError,
  DEFAULT_TENANT,
  type FunctionCaller,
  type JsonValue,
  type StoredFunction,
  type TenantId,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Catalog } from "../storage/catalog.ts";
import { aCallStep, ACTOR, NodeWorld, WORLD_START, type Member } from "../testkit/node-world.ts";
import { codeOf } from "../testkit/workflow-bench.ts";
import type { PutFunctionOutcome, PutFunctionRequest } from "./commands.ts";

// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;
const URL = "https://example.com/charge";

const aTarget = (more: Readonly<Record<string, JsonValue>> = {}): JsonValue => ({
  target: { kind: "http", url: URL, ...more },
});

const put = (
  { node }: Member,
  name: string,
  more: Partial<PutFunctionRequest> = {},
): Promise<PutFunctionOutcome> =>
  node.putFunction({
    tenant: DEFAULT_TENANT,
    name,
    definition: aTarget(),
    ifExists: "replace",
    actor: ACTOR,
    ...more,
  });

const remove = ({ node }: Member, name: string): Promise<void> =>
  node.deleteFunction({ tenant: DEFAULT_TENANT, name, actor: ACTOR });

const names = (functions: readonly StoredFunction[]): readonly string[] =>
  functions.map(({ name }) => name);

/** Answers with where it was sent. */
const echo: FunctionCaller = (target, input) => Promise.resolve({ url: target.url, input });

async function callOf(world: NodeWorld, member: Member, workflow: string): Promise<unknown> {
  const run = await world.ended(member, await world.start(member, workflow));
  return run.status === "completed" ? run.output : run.status === "failed" && run.failure.code;
}

/** A catalog that counts and may be told to wait. */
function counting(catalog: Catalog): { catalog: Catalog; reads: number } {
  const counted = {
    reads: 0,
    catalog: {
      ...catalog,
      get: (...args: Parameters<Catalog["get"]>) => {
        if (args[1] === "function") counted.reads += 1;
        return catalog.get(...args);
      },
    },
  };
  return counted;
}

describe("a function that is stored", () => {
  test("is found by its tenant and name, without the values of its headers", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const definition = aTarget({ headers: { authorization: "Bearer secret" }, timeoutMs: 500 });
    const { fn, isNew } = await put(member, "charge card/é", { definition });
    expect([isNew, fn]).toEqual([
      true,
      {
        name: "charge card/é",
        target: { kind: "http", url: URL, headers: { authorization: "***" }, timeoutMs: 500 },
        createdAt: WORLD_START,
        updatedAt: WORLD_START,
      },
    ]);
    expect(await member.node.getFunction(DEFAULT_TENANT, "charge card/é")).toEqual(fn);
    expect(await member.node.getFunction(OTHER, "charge card/é")).toBeNull();
    const page = { after: null, limit: 10 };
    expect(await member.node.listFunctions(DEFAULT_TENANT, page)).toEqual([fn]);
    expect(await member.node.listFunctions(OTHER, page)).toEqual([]);
  });

  test("is replaced or not, as its author wishes", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await put(member, "charge");
    expect(await codeOf(put(member, "charge", { ifExists: "refuse" }))).toBe("function.exists");
    const definition = aTarget({ url: "https://example.com/2" });
    const { isNew } = await put(member, "charge", { definition });
    expect(isNew).toBe(false);
    expect(await member.node.getFunction(DEFAULT_TENANT, "charge")).toMatchObject({
      target: { url: "https://example.com/2" },
    });
  });

  test.each(["", "a\u0000b", "x".repeat(256), ".", ".."])(
    "is refused under the name %j",
    async (name) => {
      await using world = new NodeWorld();
      const member = await world.open();
      await expect(put(member, name)).rejects.toMatchObject({
        code: "request.invalid",
        issues: [{ path: ["name"] }],
      });
    },
  );

  test("is refused with mistakes, and when it is too large, and then nothing is stored", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    expect(await codeOf(put(member, "charge", { definition: {} }))).toBe("request.invalid");
    const target = { kind: "http", url: URL };
    const definition = { target, input: { description: "x".repeat(65_536) } };
    expect(await codeOf(put(member, "charge", { definition }))).toBe("payload.too-large");
    expect([world.store.tables.catalog.size, world.store.tables.audit.size]).toEqual([0, 0]);
  });

  test("is gone when it was deleted, once", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await put(member, "charge");
    await remove(member, "charge");
    expect(await member.node.getFunction(DEFAULT_TENANT, "charge")).toBeNull();
    expect(await codeOf(remove(member, "charge"))).toBe("function.not-found");
    expect((await put(member, "charge")).isNew).toBe(true);
  });

  test("leaves a row in the audit log for each change", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await put(member, "charge");
    await put(member, "charge");
    await remove(member, "charge");
    const rows = (await member.node.listAudit(DEFAULT_TENANT, 10)).rows;
    expect(rows.map(({ action, target, key }) => [action, target, key])).toEqual([
      ["function.delete", "charge", ACTOR.key],
      ["function.update", "charge", ACTOR.key],
      ["function.create", "charge", ACTOR.key],
    ]);
  });

  test("is listed by name, page by page", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    for (const name of ["c", "a", "d", "b"]) await put(member, name);
    const list = (after: string | null): Promise<readonly StoredFunction[]> =>
      member.node.listFunctions(DEFAULT_TENANT, { after, limit: 3 });
    expect(names(await list(null))).toEqual(["a", "b", "c"]);
    expect(names(await list("c"))).toEqual(["d"]);
  });

  test("wins over nothing that came between looking and writing", async () => {
    await using world = new NodeWorld();
    const members = [await world.open(), await world.open()];
    const outcomes = await Promise.all(
      members.map((member) => put(member, "charge", { ifExists: "refuse" }).catch(() => null)),
    );
    expect(outcomes.filter((outcome) => outcome !== null)).toHaveLength(1);
    const both = await Promise.all(members.map((member) => put(member, "charge")));
    expect(both.map(({ isNew }) => isNew)).toEqual([false, false]);
  });

  test("gives up if it changes under every try", async () => {
    await using world = new NodeWorld();
    const { catalog } = world.store;
    const busy: Catalog = { ...catalog, put: async () => ({ kind: "conflict", on: "revision" }) };
    const member = await world.open({ storage: { ...world.store, catalog: busy } });
    expect(await codeOf(put(member, "charge"))).toBe("function.changed");
  });
});

describe("a step that names a stored function", () => {
  test("calls it, with the secrets that nobody is shown", async () => {
    await using world = new NodeWorld();
    const callFunction: FunctionCaller = (target, input) =>
      Promise.resolve({ auth: target.headers?.["authorization"] ?? null, input });
    const member = await world.open({ callFunction });
    const definition = aTarget({ headers: { authorization: "Bearer secret" } });
    await put(member, "charge", { definition });
    const workflow = await world.install(member, [aCallStep("charge")]);
    expect(await callOf(world, member, workflow)).toEqual({ auth: "Bearer secret", input: {} });
  });

  test("does not call another tenant's", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ callFunction: echo });
    await put(member, "charge", { tenant: OTHER });
    const workflow = await world.install(member, [aCallStep("charge")]);
    expect(await callOf(world, member, workflow)).toBe("function.not-found");
  });

  test("calls what was changed on this node at once, and on another within five seconds", async () => {
    await using world = new NodeWorld();
    const [here, there] = [
      await world.open({ callFunction: echo }),
      await world.open({ callFunction: echo }),
    ];
    await put(here, "charge");
    const workflow = await world.install(here, [aCallStep("charge")]);
    for (const member of [here, there]) await callOf(world, member, workflow);
    const definition = aTarget({ url: "https://example.com/2" });
    await put(here, "charge", { definition });
    expect(await callOf(world, here, workflow)).toMatchObject({ url: "https://example.com/2" });
    expect(await callOf(world, there, workflow)).toMatchObject({ url: URL });
    await world.clock.advance(5_000);
    expect(await callOf(world, there, workflow)).toMatchObject({ url: "https://example.com/2" });
    await callOf(world, here, workflow);
    await remove(here, "charge");
    expect(await callOf(world, here, workflow)).toBe("function.not-found");
  });

  test("finds one that was stored just after another step had not found it", async () => {
    await using world = new NodeWorld();
    const [here, there] = [await world.open(), await world.open({ callFunction: echo })];
    const workflow = await world.install(here, [aCallStep("charge")]);
    expect(await callOf(world, there, workflow)).toBe("function.not-found");
    await put(here, "charge");
    expect(await callOf(world, there, workflow)).toMatchObject({ url: URL });
  });

  test("asks the store once for many steps at once", async () => {
    await using world = new NodeWorld();
    const counted = counting(world.store.catalog);
    const storage = { ...world.store, catalog: counted.catalog };
    const member = await world.open({ storage, callFunction: echo });
    await put(member, "charge");
    const workflow = await world.install(member, [aCallStep("charge")]);
    counted.reads = 0;
    const runs = await Promise.all(Array.from({ length: 20 }, () => world.start(member, workflow)));
    await Promise.all(runs.map((runId) => world.ended(member, runId)));
    expect(counted.reads).toBeLessThanOrEqual(1);
    await world.clock.advance(5_000);
    await callOf(world, member, workflow);
    expect(counted.reads).toBeGreaterThan(0);
  });
});

describe("an action", () => {
  test("is called by an action step, and tried three times while its far side is down", async () => {
    await using world = new NodeWorld();
    let calls = 0;
    const order = (): Promise<unknown> => {
      calls += 1;
      return calls < 3
        ? Promise.reject(new ActionError("http.status", "503", { source: "infrastructure" }))
        : Promise.resolve({ id: "o_1" });
    };
    const member = await world.open({ actions: { "shop.order": order } });
    const steps = [{ id: "o", type: "action", action: "shop.order", config: { n: 1 } }];
    const workflow = await world.install(member, steps);
    expect(await callOf(world, member, workflow)).toEqual({ id: "o_1" });
    expect(calls).toBe(3);
  });
});
