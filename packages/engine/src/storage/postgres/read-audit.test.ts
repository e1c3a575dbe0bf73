import { after, DEFAULT_TENANT } from "@millrace/protocol";
import { expect, test } from "vitest";
import { openMigratedDatabase } from "../../testkit/migrated-database.ts";
import { anAudit, T0 } from "../suite/builders.ts";
import { readAudit } from "./read-audit.ts";

const tenant = DEFAULT_TENANT;

/** A store with the audit rows 1 to 25, of which the oldest alone is of another kind, key and time. */
async function openStore() {
  const world = await openMigratedDatabase();
  for (let n = 1; n <= 25; n++) {
    const oldest = { action: "key.create", key: "key_2", at: after(T0, 9) };
    const { at, key, action } = anAudit(n === 1 ? oldest : {});
    await world.run(
      "insert into millrace.audit (tenant, sequence, at, key, action, target) values ($1, $2, $3, $4, $5, $6)",
      [tenant, n, at, key, action, String(n)],
    );
  }
  return world;
}

test.each([
  ["action", { action: "key.create" }],
  ["key", { key: "key_2" }],
  ["time", { since: after(T0, 9) }],
])("a call that asks for one %s compares a bounded number of rows", async (_, filter) => {
  await using store = await openStore();
  const pages: { found: readonly string[]; next: number | null }[] = [];
  for (let before = 1_000; ;) {
    const asked = { tenant, limit: 5, before, ...filter };
    const { rows, next } = await readAudit(store.database, asked, 10);
    pages.push({ found: rows.map(({ target }) => target), next });
    if (next === null) break;
    before = next;
  }
  expect(pages).toEqual([
    { found: [], next: 16 },
    { found: [], next: 6 },
    { found: ["1"], next: null },
  ]);
});

test("a list without a filter, and a full page, are not left off", async () => {
  await using store = await openStore();
  const all = await readAudit(store.database, { tenant, limit: 100 }, 10);
  expect([all.next, all.rows.length, all.rows.at(-1)?.target]).toEqual([null, 25, "1"]);
  const { action } = anAudit();
  expect((await readAudit(store.database, { tenant, limit: 5, action }, 10)).next).toBeNull();
});
