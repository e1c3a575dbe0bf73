import { DEFAULT_TENANT, toTimestamp, type TenantId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Catalog } from "../storage/catalog.ts";
import type { Storage } from "../storage/storage.ts";
import { ACTOR, NodeWorld, WORLD_START } from "../testkit/node-world.ts";
import type { ApiKey } from "./key-commands.ts";

// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;
const tenant = DEFAULT_TENANT;

const aKey = (fields: Partial<ApiKey> = {}): ApiKey => ({
  id: "key_1",
  tenant,
  name: "ci",
  hash: "ab".repeat(32),
  previous: null,
  scopes: ["runs:read", "runs:write"],
  limits: { read: 1_000, write: 100, execute: null },
  createdAt: toTimestamp(1),
  expiresAt: null,
  ...fields,
});

const NEW_HASH = "cd".repeat(32);

/** The world's store with another `get`. */
const withGet = ({ store }: NodeWorld, get: Catalog["get"]): Storage => ({
  ...store,
  catalog: { ...store.catalog, get },
});

describe("an API key", () => {
  test("is found by its id, whosever it is, as it was put", async () => {
    await using world = new NodeWorld();
    const { keys } = (await world.open()).node;
    const key = aKey({ tenant: OTHER, expiresAt: WORLD_START });
    expect(await keys.put(key, ACTOR)).toBe(true);
    expect(await keys.find("key_1")).toEqual(key);
    expect(await keys.find("key_2")).toBeNull();
  });

  test("is shown to its own tenant only", async () => {
    await using world = new NodeWorld();
    const { keys } = (await world.open()).node;
    const key = aKey({ tenant: OTHER });
    await keys.put(key, ACTOR);
    const listing = { key, rotatedAt: null, lastUsedAt: null };
    expect(await keys.get(OTHER, "key_1")).toEqual(listing);
    expect(await keys.get(tenant, "key_1")).toBeNull();
    expect(await keys.list(OTHER, { after: null, limit: 10 })).toEqual([listing]);
    expect(await keys.list(tenant, { after: null, limit: 10 })).toEqual([]);
  });

  test("is not replaced by another with its id, and leaves one row in its tenant's audit log", async () => {
    await using world = new NodeWorld();
    const { node } = await world.open();
    await node.keys.put(aKey({ tenant: OTHER }), ACTOR);
    expect(await node.keys.put(aKey({ hash: NEW_HASH }), ACTOR)).toBe(false);
    expect((await node.keys.find("key_1"))?.hash).toBe("ab".repeat(32));
    const row = { tenant: OTHER, at: WORLD_START, ...ACTOR, action: "key.create", target: "key_1" };
    expect((await node.listAudit(OTHER, 10)).rows).toMatchObject([row]);
    expect((await node.listAudit(tenant, 10)).rows).toEqual([]);
  });

  test("from before there were limits and rotations has neither", async () => {
    await using world = new NodeWorld();
    const { keys } = (await world.open()).node;
    const { previous: _, limits: __, ...earlier } = aKey();
    // What an earlier version wrote.
    await keys.put(earlier as ApiKey, ACTOR);
    expect(await keys.find("key_1")).toEqual(
      aKey({ previous: null, limits: { read: null, write: null, execute: null } }),
    );
  });

  test("is known at once where it was put, and within five seconds to every other node", async () => {
    await using world = new NodeWorld();
    const [here, there] = [await world.open(), await world.open()];
    for (const { node } of [here, there]) expect(await node.keys.find("key_1")).toBeNull();
    await here.node.keys.put(aKey(), ACTOR);
    expect(await here.node.keys.find("key_1")).toEqual(aKey());
    await world.clock.advance(5_000);
    expect(await there.node.keys.find("key_1")).toEqual(aKey());
  });

  test("is looked up in the store once for many requests", async () => {
    await using world = new NodeWorld();
    let reads = 0;
    const storage = withGet(world, (...args) => {
      reads += 1;
      return world.store.catalog.get(...args);
    });
    const { node } = await world.open({ storage });
    await node.keys.put(aKey(), ACTOR);
    for (let n = 0; n < 10; n++) await node.keys.find("key_1");
    for (let n = 0; n < 10; n++) await node.keys.find("key_unknown");
    expect(reads).toBe(2);
  });

  test("is listed by id, page by page", async () => {
    await using world = new NodeWorld();
    const { keys } = (await world.open()).node;
    for (const id of ["c", "a", "d", "b"]) await keys.put(aKey({ id }), ACTOR);
    await keys.put(aKey({ id: "bb", tenant: OTHER }), ACTOR);
    const page = async (after: string | null): Promise<readonly string[]> =>
      (await keys.list(tenant, { after, limit: 3 })).map(({ key }) => key.id);
    expect(await page(null)).toEqual(["a", "b", "c"]);
    expect(await page("c")).toEqual(["d"]);
  });
});

describe("a revoked key", () => {
  test("is refused at once where it was revoked, and within five seconds by every other node", async () => {
    await using world = new NodeWorld();
    const [here, there] = [await world.open(), await world.open()];
    await here.node.keys.put(aKey(), ACTOR);
    for (const { node } of [here, there]) expect(await node.keys.find("key_1")).not.toBeNull();
    await here.node.keys.revoke({ tenant, id: "key_1", actor: ACTOR });
    expect(await here.node.keys.find("key_1")).toBeNull();
    await world.clock.advance(5_000);
    expect(await there.node.keys.find("key_1")).toBeNull();
  });

  test("is gone from the list, and the audit log says who did it", async () => {
    await using world = new NodeWorld();
    const { node } = await world.open();
    await node.keys.put(aKey(), ACTOR);
    node.keys.noteUse(aKey());
    await node.keys.revoke({ tenant, id: "key_1", actor: ACTOR });
    await world.clock.advance(120_000);
    expect(await node.keys.list(tenant, { after: null, limit: 10 })).toEqual([]);
    expect(await world.store.catalog.list(tenant, "key-use", null, 10)).toEqual([]);
    const [row] = (await node.listAudit(tenant, 1)).rows;
    expect(row).toMatchObject({ ...ACTOR, action: "key.revoke", target: "key_1" });
  });

  test("that another node has used leaves no trace in lists", async () => {
    await using world = new NodeWorld();
    const [here, there] = [await world.open(), await world.open()];
    await here.node.keys.put(aKey(), ACTOR);
    there.node.keys.noteUse(aKey());
    await here.node.keys.revoke({ tenant, id: "key_1", actor: ACTOR });
    await world.clock.advance(120_000);
    expect(await world.store.catalog.list(tenant, "key-use", null, 10)).toEqual([]);
  });

  test("is not revived by a look-up that was on its way", async () => {
    await using world = new NodeWorld();
    let answer = (): void => {};
    let isHeld = false;
    const storage = withGet(world, async (...args) => {
      const found = await world.store.catalog.get(...args);
      if (isHeld) await new Promise<void>((resolve) => (answer = resolve));
      return found;
    });
    const { keys } = (await world.open({ storage })).node;
    await keys.put(aKey(), ACTOR);
    isHeld = true;
    const before = keys.find("key_1");
    await world.clock.advance(0);
    isHeld = false;
    await keys.revoke({ tenant, id: "key_1", actor: ACTOR });
    answer();
    expect(await before).not.toBeNull();
    expect(await keys.find("key_1")).toBeNull();
  });

  test.each(["revoke", "rotate"] as const)(
    "and one of another tenant are not found by %s",
    async (verb) => {
      await using world = new NodeWorld();
      const { keys } = (await world.open()).node;
      await keys.put(aKey({ tenant: OTHER }), ACTOR);
      const request = { tenant, actor: ACTOR, hash: NEW_HASH, graceMs: 0 };
      for (const id of ["key_1", "key_2"]) {
        await expect(keys[verb]({ ...request, id })).rejects.toMatchObject({
          code: "key.not-found",
        });
      }
      expect(await keys.find("key_1")).toEqual(aKey({ tenant: OTHER }));
    },
  );
});

describe("a rotation", () => {
  test("keeps id and settings, and ends the old secret at once without a grace", async () => {
    await using world = new NodeWorld();
    const { node } = await world.open();
    await node.keys.put(aKey(), ACTOR);
    await node.keys.find("key_1");
    await world.clock.advance(10);
    const request = { tenant, id: "key_1", hash: NEW_HASH, graceMs: 0, actor: ACTOR };
    const rotated = await node.keys.rotate(request);
    expect(rotated.key).toEqual(aKey({ hash: NEW_HASH }));
    expect(rotated.rotatedAt).toBe(WORLD_START + 10);
    expect(await node.keys.find("key_1")).toEqual(aKey({ hash: NEW_HASH }));
    const [row] = (await node.listAudit(tenant, 1)).rows;
    expect(row).toMatchObject({ ...ACTOR, action: "key.rotate", target: "key_1" });
  });

  test("keeps the old secret until the grace ends", async () => {
    await using world = new NodeWorld();
    const { keys } = (await world.open()).node;
    await keys.put(aKey(), ACTOR);
    await keys.rotate({ tenant, id: "key_1", hash: NEW_HASH, graceMs: 9_000, actor: ACTOR });
    const previous = { hash: "ab".repeat(32), until: toTimestamp(WORLD_START + 9_000) };
    expect(await keys.find("key_1")).toEqual(aKey({ hash: NEW_HASH, previous }));
  });

  test("of two at once leaves one secret of one of them, and both are told", async () => {
    await using world = new NodeWorld();
    const { keys } = (await world.open()).node;
    await keys.put(aKey(), ACTOR);
    const request = { tenant, id: "key_1", graceMs: 0, actor: ACTOR };
    await Promise.all(["11", "22"].map((hash) => keys.rotate({ ...request, hash })));
    expect(["11", "22"]).toContain((await keys.find("key_1"))?.hash);
  });
});

describe("when a key was last used", () => {
  const lastUsedAt = async (world: NodeWorld): Promise<number | null | undefined> =>
    (await (await world.open()).node.keys.get(tenant, "key_1"))?.lastUsedAt;

  test("is known at once where it was used, and a minute later everywhere", async () => {
    await using world = new NodeWorld();
    const { keys } = (await world.open()).node;
    await keys.put(aKey(), ACTOR);
    await world.clock.advance(10);
    keys.noteUse(aKey());
    expect((await keys.get(tenant, "key_1"))?.lastUsedAt).toBe(WORLD_START + 10);
    expect(await lastUsedAt(world)).toBeNull();
    await world.clock.advance(60_000);
    expect(await lastUsedAt(world)).toBe(WORLD_START + 10);
  });

  test("is written once a minute, however often the key is used", async () => {
    await using world = new NodeWorld();
    const { keys } = (await world.open()).node;
    await keys.put(aKey(), ACTOR);
    for (let n = 0; n < 130; n++) {
      keys.noteUse(aKey());
      await world.clock.advance(1_000);
    }
    const record = await world.store.catalog.get(tenant, "key-use", "key_1");
    // Made with the key, and written twice in 130 seconds.
    expect(record?.revision).toBe(3);
  });

  test("is written when the node stops", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await member.node.keys.put(aKey(), ACTOR);
    member.node.keys.noteUse(aKey());
    await member.stop();
    expect(await lastUsedAt(world)).toBe(WORLD_START);
  });

  test("is written later if the store does not take it now", async () => {
    await using world = new NodeWorld();
    let isDown = false;
    const storage = withGet(world, (...args) =>
      isDown ? Promise.reject(new Error("down")) : world.store.catalog.get(...args),
    );
    const { keys } = (await world.open({ storage })).node;
    await keys.put(aKey(), ACTOR);
    keys.noteUse(aKey());
    isDown = true;
    await world.clock.advance(60_000);
    isDown = false;
    await world.clock.advance(60_000);
    expect(await lastUsedAt(world)).toBe(WORLD_START);
  });

  test("is noted for a key that an earlier version made, which is listed from then on", async () => {
    await using world = new NodeWorld();
    const { keys } = (await world.open()).node;
    await keys.put(aKey(), ACTOR);
    await world.store.catalog.delete(tenant, "key-use", "key_1", 1);
    keys.noteUse(aKey());
    await world.clock.advance(60_000);
    const [listed] = await keys.list(tenant, { after: null, limit: 10 });
    expect(listed?.lastUsedAt).toBe(WORLD_START);
  });
});
