import { DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { ACTOR, NodeWorld, WORLD_START } from "../testkit/node-world.ts";

describe("a tenant", () => {
  test("is found once it was made, on every node", async () => {
    await using world = new NodeWorld();
    const [here, there] = [await world.open(), await world.open()];
    expect(await there.node.tenants.find("acme")).toBeNull();
    const made = await here.node.tenants.create({ name: "acme", actor: ACTOR });
    expect(made).toEqual({ name: "acme", createdAt: WORLD_START });
    for (const { node } of [here, there]) expect(await node.tenants.find("acme")).toBe("acme");
  });

  test("named default is there from the start", async () => {
    await using world = new NodeWorld();
    const { tenants } = (await world.open()).node;
    expect(await tenants.find("default")).toBe(DEFAULT_TENANT);
    expect(await tenants.list({ after: null, limit: 10 })).toEqual([
      { name: DEFAULT_TENANT, createdAt: null },
    ]);
  });

  test("cannot be made twice, and leaves one row in the audit log", async () => {
    await using world = new NodeWorld();
    const { node } = await world.open();
    await node.tenants.create({ name: "acme", actor: ACTOR });
    for (const name of ["acme", "default"]) {
      const again = node.tenants.create({ name, actor: ACTOR });
      await expect(again).rejects.toMatchObject({ code: "tenant.exists" });
    }
    expect((await node.listAudit(DEFAULT_TENANT, 10)).rows).toMatchObject([
      { ...ACTOR, action: "tenant.create", target: "acme" },
    ]);
  });

  test.each(["", "Acme", "a b", "a/b", "a\nb", "é", "x".repeat(64)])(
    "cannot be called %j",
    async (name) => {
      await using world = new NodeWorld();
      const { tenants } = (await world.open()).node;
      const made = tenants.create({ name, actor: ACTOR });
      await expect(made).rejects.toMatchObject({
        code: "request.invalid",
        issues: [{ path: ["name"] }],
      });
      expect(await tenants.find(name)).toBeNull();
    },
  );

  test("is listed by name, page by page, default among them", async () => {
    await using world = new NodeWorld();
    const { tenants } = (await world.open()).node;
    for (const name of ["zeta", "acme", "deft", "beta"]) {
      await tenants.create({ name, actor: ACTOR });
    }
    const page = async (after: string | null, limit: number): Promise<readonly string[]> =>
      (await tenants.list({ after, limit })).map(({ name }) => name);
    expect(await page(null, 10)).toEqual(["acme", "beta", "default", "deft", "zeta"]);
    expect(await page(null, 2)).toEqual(["acme", "beta"]);
    expect(await page("beta", 2)).toEqual(["default", "deft"]);
    expect(await page("default", 2)).toEqual(["deft", "zeta"]);
    expect(await page("zeta", 2)).toEqual([]);
  });
});
