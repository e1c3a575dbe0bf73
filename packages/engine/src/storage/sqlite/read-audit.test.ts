import { after, DEFAULT_TENANT } from "@millrace/protocol";
import { expect, test } from "vitest";
import { anAudit, T0 } from "../suite/builders.ts";
import type { Cell } from "../rows/cells.ts";
import { prepareReadAudit } from "./read-audit.ts";
import { encodeAudit } from "./unit-codec.ts";
import { openWriter } from "./write-verbs.ts";

const tenant = DEFAULT_TENANT;

/** A store with 25 audit rows, of which the oldest alone is of another kind, key and time. */
function openStore() {
  const { database, verbs } = openWriter({ path: null, synchronous: "FULL", leaseMs: 1_000 });
  verbs.migrate(0);
  for (let n = 0; n < 25; n++) {
    const cells: Cell[] = [];
    const oldest = { action: "key.create", key: "key_2", at: after(T0, 9) };
    encodeAudit(anAudit({ ...(n === 0 ? oldest : {}), target: String(n) }), cells);
    verbs.putRecords([], cells.slice(1), 0);
  }
  return database;
}

test.each([
  ["action", { action: "key.create" }],
  ["key", { key: "key_2" }],
  ["time", { since: after(T0, 9) }],
])("a call that asks for one %s compares a bounded number of rows", (_, filter) => {
  const database = openStore();
  const read = prepareReadAudit(database, 10);
  const pages: { found: readonly Cell[]; next: number | null }[] = [];
  for (let before = 1_000; ;) {
    const { rows, next } = read({ tenant, limit: 5, before, ...filter });
    pages.push({ found: rows.slice(-1), next });
    if (next === null) break;
    before = next;
  }
  expect(pages).toEqual([
    { found: [], next: 16 },
    { found: [], next: 6 },
    { found: ["0"], next: null },
  ]);
  database.close();
});

test("a list without a filter, and a full page, are not left off", () => {
  const database = openStore();
  const read = prepareReadAudit(database, 10);
  const all = read({ tenant, limit: 100 });
  expect([all.next, all.rows.at(-1)]).toEqual([null, "0"]);
  const { action } = anAudit();
  expect(read({ tenant, limit: 5, action }).next).toBeNull();
  database.close();
});
