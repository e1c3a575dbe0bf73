import { after, asJsonText, DEFAULT_TENANT, type RunId } from "@millrace/protocol";
import { expect, test } from "vitest";
import type { RunFilter } from "../run-filter.ts";
import { aRun, aStart, T0 } from "../suite/builders.ts";
import { prepareListRuns } from "./list-runs.ts";
import { encodeUnits } from "./unit-codec.ts";
import { openWriter } from "./write-verbs.ts";

const tenant = DEFAULT_TENANT;

/** A store with `count` runs, of which the oldest alone has the metadata. */
function openStore(count: number) {
  const { database, verbs } = openWriter({ path: null, synchronous: "FULL", leaseMs: 1_000 });
  verbs.migrate(0);
  verbs.join({ id: "n", host: "h", pid: 1 }, 0);
  const runs = Array.from({ length: count }, (_, n) =>
    aRun({
      createdAt: after(T0, n),
      metadata: asJsonText(n === 0 ? '{"a":"1"}' : '{"a":"2"}'),
    }),
  );
  verbs.commit("n", encodeUnits(runs.map((run) => aStart(run))), 0);
  return { database, runs };
}

test("a call compares a bounded number of rows, and says where to go on", () => {
  const { database, runs } = openStore(25);
  const list = prepareListRuns(database, 10);
  const filter: RunFilter = { metadata: { a: "1" } };
  const pages: { found: number; next: string | null }[] = [];
  for (let before: RunId | null = null; ;) {
    const { rows, next } = list({ tenant, before, limit: 5, filter });
    pages.push({ found: rows.length > 0 ? 1 : 0, next });
    if (next === null) break;
    // Written as an id.
    before = next as RunId;
  }
  expect(pages).toEqual([
    { found: 0, next: runs[15]?.id },
    { found: 0, next: runs[5]?.id },
    { found: 1, next: null },
  ]);
  database.close();
});

test("a list that an index decides is never left off", () => {
  const { database, runs } = openStore(25);
  const list = prepareListRuns(database, 10);
  const [first] = runs;
  if (first === undefined) throw new Error("there are runs");
  for (const filter of [{}, { workflow: first.workflowId }, { createdAfter: T0 }]) {
    const { rows, next } = list({ tenant, before: null, limit: 100, filter });
    expect(next).toBeNull();
    expect(rows).toContain(runs[24]?.id);
    expect(rows).toContain(runs[1]?.id);
  }
  database.close();
});

test("a full page is not left off, though its filter has no index", () => {
  const { database } = openStore(25);
  const list = prepareListRuns(database, 10);
  const filter: RunFilter = { metadata: { a: "2" } };
  expect(list({ tenant, before: null, limit: 5, filter }).next).toBeNull();
  database.close();
});
