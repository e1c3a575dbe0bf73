import { DEFAULT_TENANT, toTimestamp, type TenantId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { ApiKey } from "./commands.ts";
import { ACTOR, NodeWorld, WORLD_START } from "../testkit/node-world.ts";

// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;

const aKey = (fields: Partial<ApiKey> = {}): ApiKey => ({
  id: "key_1",
  tenant: DEFAULT_TENANT,
  name: "ci",
  hash: "ab".repeat(32),
  scopes: ["runs:read", "runs:write"],
  createdAt: toTimestamp(1),
  expiresAt: null,
  ...fields,
});

describe("an API key", () => {
  test("is found by its tenant and id, as it was put", async () => {
    await using world = new NodeWorld();
    const { node } = await world.open();
    await node.putKey(aKey({ expiresAt: WORLD_START }), ACTOR);
    expect(await node.findKey(DEFAULT_TENANT, "key_1")).toEqual(aKey({ expiresAt: WORLD_START }));
    expect(await node.findKey(OTHER, "key_1")).toBeNull();
    expect(await node.findKey(DEFAULT_TENANT, "key_2")).toBeNull();
  });

  test("is not replaced by another with its id, and leaves one row in the audit log", async () => {
    await using world = new NodeWorld();
    const { node } = await world.open();
    await node.putKey(aKey(), ACTOR);
    await node.putKey(aKey({ hash: "cd".repeat(32) }), ACTOR);
    expect((await node.findKey(DEFAULT_TENANT, "key_1"))?.hash).toBe("ab".repeat(32));
    expect(await node.listAudit(DEFAULT_TENANT, 10)).toEqual([
      {
        tenant: DEFAULT_TENANT,
        at: WORLD_START,
        ...ACTOR,
        action: "key.create",
        target: "key_1",
      },
    ]);
  });

  test("is known at once where it was put, and within five seconds to every other node", async () => {
    await using world = new NodeWorld();
    const [here, there] = [await world.open(), await world.open()];
    for (const { node } of [here, there]) {
      expect(await node.findKey(DEFAULT_TENANT, "key_1")).toBeNull();
    }
    await here.node.putKey(aKey(), ACTOR);
    expect(await here.node.findKey(DEFAULT_TENANT, "key_1")).toEqual(aKey());
    await world.clock.advance(5_000);
    expect(await there.node.findKey(DEFAULT_TENANT, "key_1")).toEqual(aKey());
  });

  test("is refused within five seconds by every node after it was deleted", async () => {
    await using world = new NodeWorld();
    const { node } = await world.open();
    await node.putKey(aKey(), ACTOR);
    expect(await node.findKey(DEFAULT_TENANT, "key_1")).not.toBeNull();
    await world.store.catalog.delete(DEFAULT_TENANT, "key", "key_1", 1);
    await world.clock.advance(5_000);
    expect(await node.findKey(DEFAULT_TENANT, "key_1")).toBeNull();
  });

  test("is looked up in the store once for many requests", async () => {
    await using world = new NodeWorld();
    let reads = 0;
    const { catalog } = world.store;
    const { node } = await world.open({
      storage: {
        ...world.store,
        catalog: {
          ...catalog,
          get: (...args) => {
            reads += 1;
            return catalog.get(...args);
          },
        },
      },
    });
    await node.putKey(aKey(), ACTOR);
    for (let n = 0; n < 10; n++) await node.findKey(DEFAULT_TENANT, "key_1");
    for (let n = 0; n < 10; n++) await node.findKey(DEFAULT_TENANT, "key_unknown");
    expect(reads).toBe(2);
  });
});
