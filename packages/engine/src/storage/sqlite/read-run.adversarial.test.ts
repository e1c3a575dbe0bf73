// Forces this order: the reader finds the run live; the run finishes; the reader reads its journal.
import { expect, test } from "vitest";
import { aFinish, aResult, aRun, aRunUnit, aStart } from "../suite/builders.ts";
import { createTestFolder } from "../suite/index.ts";
import type { Held } from "../storage.ts";
import { openDatabase, type Database, type Statement } from "./database.ts";
import { prepareReadRun } from "./read-run.ts";
import { encodeUnits } from "./unit-codec.ts";
import { openWriter } from "./write-verbs.ts";

/** Calls back after the first row that any statement on the database gives. */
function afterFirstRow(database: Database, act: () => void): Database {
  let isDone = false;
  const watch = (statement: Statement): Statement => ({
    run: (...cells) => statement.run(...cells),
    all: (...cells) => statement.all(...cells),
    get: (...cells) => {
      const row = statement.get(...cells);
      if (row !== undefined && !isDone) {
        isDone = true;
        act();
      }
      return row;
    },
  });
  return {
    get isTransaction() {
      return database.isTransaction;
    },
    exec: (sql) => database.exec(sql),
    prepare: (sql) => watch(database.prepare(sql)),
    close: () => database.close(),
  };
}

test("a run that finishes while it is read is shown whole, as it was before", () => {
  using folder = createTestFolder();
  const path = folder.file("store.db");
  const { verbs } = openWriter({ path, synchronous: "FULL", leaseMs: 1000 });
  verbs.migrate(0);
  verbs.join({ id: "node_a", host: "h", pid: 1 }, 0);
  const run = aRun();
  const start = aStart(run);
  verbs.commit("node_a", encodeUnits([start]), 0);
  verbs.take({ node: "node_a", due: [run.tenant, run.id, run.shard, 1] }, 0);
  const row = { ...run, fence: 2, startedAt: null, cancelRequestedAt: null };
  // What the codec needs of a held run.
  const held = { run: row, journal: [], inbox: [] } as unknown as Held;
  verbs.commit("node_a", encodeUnits([aRunUnit(held, { entries: [aResult("a")] })]), 0);

  const finish = (): void => {
    const unit = aFinish({ ...held, journal: [aResult("a")] });
    expect(verbs.commit("node_a", encodeUnits([unit]), 0).outcomes).toEqual([0]);
  };
  const reader = openDatabase(path, { readOnly: true });
  const readRun = prepareReadRun(afterFirstRow(reader, finish));
  const during = readRun(run.tenant, run.id);
  expect(during !== null && "live" in during ? during.journal.length : 0).toBeGreaterThan(0);
  const after = readRun(run.tenant, run.id);
  expect(after !== null && "finished" in after).toBe(true);
  reader.close();
  verbs.close();
});
