import { DEFAULT_TENANT, type TenantId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aChildStep,
  aWaitStep,
  NodeWorld,
  WORLD_START,
  type Member,
} from "../testkit/node-world.ts";
import type { Workspace } from "./tenant-commands.ts";

const OTHER = "other" as TenantId;
const WAIT = aWaitStep("w", 1_000);

const listed = (
  { node }: Member,
  after: Workspace | null = null,
  limit = 10,
): Promise<readonly Workspace[]> => node.workspaces.list(DEFAULT_TENANT, { after, limit });

describe("a workspace", () => {
  test("is made by the first run that names it, one for each user", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [WAIT]);
    for (const user of ["ada", "bob", "ada", undefined]) {
      const who = user === undefined ? {} : { user };
      await world.start(member, workflow, { workspace: "orders", ...who });
    }
    expect(await listed(member)).toEqual([
      { name: "orders", user: null, createdAt: WORLD_START },
      { name: "orders", user: "ada", createdAt: WORLD_START },
      { name: "orders", user: "bob", createdAt: WORLD_START },
    ]);
    expect(await member.node.workspaces.list(OTHER, { after: null, limit: 10 })).toEqual([]);
  });

  test("is listed by name, then user, page by page", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [WAIT]);
    for (const [workspace, user] of [
      ["b", "x"],
      ["a b", "x"],
      ["a", "y"],
      ["a", "x"],
    ] as const) {
      await world.start(member, workflow, { workspace, user });
    }
    const page = await listed(member, null, 2);
    expect(page.map(({ name, user }) => `${name}/${user}`)).toEqual(["a/x", "a/y"]);
    const next = await listed(member, page.at(-1) ?? null, 2);
    expect(next.map(({ name, user }) => `${name}/${user}`)).toEqual(["a b/x", "b/x"]);
  });

  test("is written once, however many runs use it", async () => {
    await using world = new NodeWorld();
    let puts = 0;
    const { catalog } = world.store;
    const put: typeof catalog.put = (records, audit) => {
      if (records.some(({ kind }) => kind === "workspace")) puts += 1;
      return catalog.put(records, audit);
    };
    const member = await world.open({
      storage: { ...world.store, catalog: { ...catalog, put } },
    });
    const workflow = await world.install(member, [WAIT]);
    for (let n = 0; n < 5; n++) await world.start(member, workflow, { workspace: "orders" });
    expect(puts).toBe(1);
  });

  test("is not made by a run that is refused", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const outcome = await world.tryStart(member, "nothing", { workspace: "orders" });
    expect(outcome.kind).toBe("rejected");
    expect(await listed(member)).toEqual([]);
  });

  test("that cannot be stored does not stop its run, and the next one makes it", async () => {
    await using world = new NodeWorld();
    let isDown = true;
    const { catalog } = world.store;
    const put: typeof catalog.put = (records, audit) =>
      isDown && records.some(({ kind }) => kind === "workspace")
        ? Promise.reject(new Error("full"))
        : catalog.put(records, audit);
    const member = await world.open({
      storage: { ...world.store, catalog: { ...catalog, put } },
    });
    const workflow = await world.install(member, [WAIT]);
    await world.start(member, workflow, { workspace: "orders" });
    expect(await listed(member)).toEqual([]);
    expect(member.logged.map(({ message }) => message)).toContain(
      "a workspace could not be stored; its next run tries again",
    );
    isDown = false;
    await world.start(member, workflow, { workspace: "orders" });
    expect(await listed(member)).toHaveLength(1);
  });
});

describe("a run", () => {
  test("shows its workspace and user, and so do the runs that it starts", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const child = await world.install(member, [WAIT], { name: "Child" });
    const parent = await world.install(member, [aChildStep("sub", child)]);
    const runId = await world.start(member, parent, { workspace: "orders", user: "ada" });
    await world.clock.advance(10);
    const runs = await Promise.all(
      [...world.store.tables.runs.values()].map(({ id }) => member.node.getRun(DEFAULT_TENANT, id)),
    );
    expect(runs).toHaveLength(2);
    for (const run of runs) expect(run).toMatchObject({ workspace: "orders", user: "ada" });
    expect(runs.map((run) => run?.parent?.runId ?? null)).toContain(runId);
  });

  test.each([
    ["workspace", ""],
    ["workspace", "x".repeat(256)],
    ["user", "a\nb"],
  ])("with the %s %j is refused", async (field, value) => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [WAIT]);
    const outcome = await world.tryStart(member, workflow, { [field]: value });
    expect(outcome).toMatchObject({
      kind: "rejected",
      error: { code: "request.invalid", issues: [{ path: [field] }] },
    });
  });
});
