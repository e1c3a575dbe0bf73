import { asJsonText, DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { CATALOG_KINDS } from "../catalog.ts";
import { anAudit, aPut } from "./builders.ts";
import { OTHER_TENANT, type OpenStorage } from "./harness.ts";

const tenant = DEFAULT_TENANT;

export function catalogSuite(open: OpenStorage): void {
  describe("catalog", () => {
    test("stores a new record as revision 1, at the store's time", async () => {
      await using h = await open();
      const { expectedRevision: _, ...stored } = aPut();
      const now = h.clock.now();
      const record = { ...stored, revision: 1, createdAt: now, updatedAt: now };
      expect(await h.storage.catalog.put([aPut()], null)).toEqual({
        kind: "done",
        records: [record],
      });
      expect(await h.storage.catalog.get(tenant, "workflow", "wf_orders")).toEqual(record);
    });

    test("replaces the revision that is expected, and keeps when it was created", async () => {
      await using h = await open();
      const { catalog } = h.storage;
      await catalog.put([aPut()], null);
      const createdAt = h.clock.now();
      h.clock.advance(10);
      const body = asJsonText('{"name":"Other"}');
      await catalog.put([aPut({ expectedRevision: 1, slug: "other", body })], null);
      expect(await catalog.get(tenant, "workflow", "wf_orders")).toMatchObject({
        revision: 2,
        slug: "other",
        body,
        createdAt,
        updatedAt: h.clock.now(),
      });
      expect(await catalog.get(tenant, "workflow", "orders")).toBeNull();
    });

    test.each([
      ["id", "an id that is there", aPut({ slug: "other" })],
      ["revision", "another revision", aPut({ expectedRevision: 2 })],
      [
        "revision",
        "a record that is not there",
        aPut({ id: "wf_none", slug: null, expectedRevision: 1 }),
      ],
      ["slug", "a slug that another has", aPut({ id: "wf_other" })],
    ] as const)("says which conflict it is: %s, for %s", async (on, _, put) => {
      await using h = await open();
      await h.storage.catalog.put([aPut()], null);
      expect(await h.storage.catalog.put([put], null)).toEqual({ kind: "conflict", on });
    });

    test("writes all puts and the audit row, or nothing", async () => {
      await using h = await open();
      const { catalog } = h.storage;
      await catalog.put([aPut()], null);
      const puts = [aPut({ id: "wf_new", slug: "new" }), aPut({ slug: "again" })];
      expect(await catalog.put(puts, anAudit())).toEqual({ kind: "conflict", on: "id" });
      expect(await catalog.get(tenant, "workflow", "wf_new")).toBeNull();
      expect((await h.storage.read({ kind: "audit", tenant, limit: 10 })).rows).toEqual([]);
      const version = aPut({ kind: "workflow-version", id: "wf_new@1", slug: null });
      const done = await catalog.put([aPut({ id: "wf_new", slug: "new" }), version], anAudit());
      expect(done).toMatchObject({ kind: "done", records: [{ id: "wf_new" }, { id: "wf_new@1" }] });
      const audit = (await h.storage.read({ kind: "audit", tenant, limit: 10 })).rows;
      expect(audit).toMatchObject([anAudit()]);
    });

    test("sees the puts before it in the same call", async () => {
      await using h = await open();
      const puts = [aPut(), aPut({ expectedRevision: 1, slug: null })];
      expect(await h.storage.catalog.put(puts, null)).toMatchObject({
        kind: "done",
        records: [{ revision: 1 }, { revision: 2, slug: null }],
      });
    });

    test("lets records without slug, of other kinds and of other tenants stand side by side", async () => {
      await using h = await open();
      const puts = [
        aPut(),
        aPut({ kind: "workflow-version" }),
        aPut({ tenant: OTHER_TENANT }),
        aPut({ id: "wf_a", slug: null }),
        aPut({ id: "wf_b", slug: null }),
      ];
      expect(await h.storage.catalog.put(puts, null)).toMatchObject({ kind: "done" });
      expect(await h.storage.catalog.list(OTHER_TENANT, "workflow", null, 10)).toHaveLength(1);
    });

    test("finds a record by id before one by slug", async () => {
      await using h = await open();
      const { catalog } = h.storage;
      await catalog.put(
        [aPut({ id: "wf_x", slug: "name" }), aPut({ id: "name", slug: null })],
        null,
      );
      expect(await catalog.get(tenant, "workflow", "name")).toMatchObject({ id: "name" });
      expect(await catalog.get(tenant, "workflow", "orders")).toBeNull();
      expect(await catalog.get(OTHER_TENANT, "workflow", "name")).toBeNull();
    });

    test("lists by id, page by page", async () => {
      await using h = await open();
      const { catalog } = h.storage;
      const ids = ["wf_c", "wf_a", "wf_b", "wf_d"];
      await catalog.put(
        ids.map((id) => aPut({ id, slug: id })),
        null,
      );
      const page = async (after: string | null): Promise<readonly string[]> =>
        (await catalog.list(tenant, "workflow", after, 2)).map(({ id }) => id);
      expect(await page(null)).toEqual(["wf_a", "wf_b"]);
      expect(await page("wf_b")).toEqual(["wf_c", "wf_d"]);
      expect(await page("wf_d")).toEqual([]);
    });

    test("deletes the revision that is expected, and no other", async () => {
      await using h = await open();
      const { catalog } = h.storage;
      await catalog.put([aPut()], null);
      expect(await catalog.delete(tenant, "workflow", "wf_orders", 2)).toBe(false);
      expect(await catalog.delete(tenant, "workflow", "wf_none", 1)).toBe(false);
      expect(await catalog.get(tenant, "workflow", "wf_orders")).not.toBeNull();
      expect(await catalog.delete(tenant, "workflow", "wf_orders", 1)).toBe(true);
      expect(await catalog.get(tenant, "workflow", "wf_orders")).toBeNull();
      expect(await catalog.put([aPut()], null)).toMatchObject({ kind: "done" });
    });

    test("writes the audit row of a deletion with it, and none if there was nothing to delete", async () => {
      await using h = await open();
      const { catalog } = h.storage;
      await catalog.put([aPut({ kind: "function" })], null);
      expect(await catalog.delete(tenant, "function", "wf_orders", 2, anAudit())).toBe(false);
      expect((await h.storage.read({ kind: "audit", tenant, limit: 10 })).rows).toEqual([]);
      expect(await catalog.delete(tenant, "function", "wf_orders", 1, anAudit())).toBe(true);
      const audit = (await h.storage.read({ kind: "audit", tenant, limit: 10 })).rows;
      expect(audit).toMatchObject([anAudit()]);
    });

    test.each(CATALOG_KINDS)("keeps records of kind %s", async (kind) => {
      await using h = await open();
      await h.storage.catalog.put([aPut({ kind })], null);
      expect(await h.storage.catalog.get(tenant, kind, "wf_orders")).toMatchObject({ kind });
      expect(await h.storage.catalog.list(tenant, kind, null, 10)).toHaveLength(1);
    });
  });
}
