import { expect, test } from "vitest";
import type { Held } from "../storage.ts";
import {
  aDelivery,
  aFinish,
  aMessage,
  aResult,
  aRun,
  aRunUnit,
  aStart,
} from "../suite/builders.ts";
import { encodeUnits } from "./unit-codec.ts";
import { openWriter } from "./write-verbs.ts";

test("a run that has finished leaves no row behind but its history", () => {
  const { database, verbs } = openWriter({ path: null, synchronous: "FULL", leaseMs: 1000 });
  verbs.migrate(0);
  verbs.join({ id: "node_a", host: "h", pid: 1 }, 0);
  const run = aRun();
  const row = { ...run, fence: 2, startedAt: null, cancelRequestedAt: null };
  // What the codec needs of a held run.
  const held = { run: row, journal: [], inbox: [] } as unknown as Held;
  verbs.commit("node_a", encodeUnits([aStart(run), aDelivery(run, aMessage("m1"))]), 0);
  verbs.take({ node: "node_a", due: [run.tenant, run.id, run.shard, 1] }, 0);
  const unit = aRunUnit(held, { entries: [aResult("a")], consumed: ["m1"] });
  verbs.commit("node_a", encodeUnits([unit, aDelivery(run, aMessage("m2"))]), 0);
  const count = (table: string): unknown =>
    database.prepare(`select count(*) from ${table}`).get()?.[0];
  expect(["runs", "journal", "inbox", "history"].map(count)).toEqual([1, 1, 2, 0]);
  verbs.commit("node_a", encodeUnits([aFinish({ ...held, journal: [aResult("a")] })]), 0);
  expect(["runs", "journal", "inbox", "history"].map(count)).toEqual([0, 0, 0, 1]);
  database.close();
});
