import { describe, expect, test } from "vitest";
import { createMemorySandboxStore, SandboxRecords, type SandboxRecord } from "./store.ts";

const aRecord = (id: string, more: Partial<SandboxRecord> = {}): SandboxRecord => ({
  tenant: "default",
  kind: "outbox",
  id,
  value: { id },
  ...more,
});
const ids = (found: readonly object[]): unknown[] =>
  found.map((it): unknown => Reflect.get(it, "id"));

describe("the records of a sandbox", () => {
  test("are listed newest first, a page at a time", async () => {
    const store = createMemorySandboxStore();
    await store.append(["a", "b", "c"].map((id) => aRecord(id)));
    const list = (before: string | null): unknown[] =>
      ids(store.list("default", "outbox", { before, limit: 2 }));
    expect([list(null), list("b"), list("a"), list("gone")]).toEqual([["c", "b"], ["a"], [], []]);
  });

  test("keep their place when another takes it over", async () => {
    const store = createMemorySandboxStore();
    await store.append([aRecord("a"), aRecord("b"), aRecord("a", { value: { id: "a", n: 2 } })]);
    expect(store.list("default", "outbox", { before: null, limit: 9 })).toEqual([
      { id: "b" },
      { id: "a", n: 2 },
    ]);
  });

  test("are apart by tenant and kind", async () => {
    const store = createMemorySandboxStore();
    await store.append([aRecord("a"), aRecord("a", { tenant: "other", value: { id: "theirs" } })]);
    expect(store.find("default", "outbox", "a")).toEqual({ id: "a" });
    expect(store.find("other", "outbox", "a")).toEqual({ id: "theirs" });
    expect(store.find("default", "refunds", "a")).toBeUndefined();
    await store.clear("default");
    expect(store.find("default", "outbox", "a")).toBeUndefined();
    expect(store.find("other", "outbox", "a")).toEqual({ id: "theirs" });
  });

  test("cannot be changed by who reads them", async () => {
    const store = createMemorySandboxStore();
    await store.append([aRecord("a", { value: { id: "a", list: [1] } })]);
    Object.assign(store.find("default", "outbox", "a") ?? {}, { id: "b" });
    expect(store.find("default", "outbox", "a")).toEqual({ id: "a", list: [1] });
  });

  test("go, the oldest first, when there are too many or they are too large", () => {
    const count = new SandboxRecords({ count: 2, bytes: 1_000 });
    for (const id of ["a", "b", "c"]) count.put(aRecord(id));
    expect(ids(count.list("default", "outbox", { before: null, limit: 9 }))).toEqual(["c", "b"]);
    const bytes = new SandboxRecords({ count: 9, bytes: 30 });
    for (const id of ["a", "b", "c", "d"]) bytes.put(aRecord(id));
    expect(ids(bytes.list("default", "outbox", { before: null, limit: 9 }))).toEqual([
      "d",
      "c",
      "b",
    ]);
  });

  test("are there again when all are put again", () => {
    const first = new SandboxRecords();
    for (const id of ["a", "b"]) first.put(aRecord(id));
    first.put(aRecord("x", { tenant: "other" }));
    const second = new SandboxRecords();
    for (const record of first.all()) second.put(record);
    expect([...second.all()]).toEqual([...first.all()]);
  });
});
