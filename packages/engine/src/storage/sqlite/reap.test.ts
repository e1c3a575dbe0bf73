import { after, asJsonText, DEFAULT_TENANT, shardOfEvent } from "@millrace/protocol";
import { expect, test } from "vitest";
import { aKey, aRun, aStart, refOf, T0 } from "../suite/builders.ts";
import { encodeUnits } from "./unit-codec.ts";
import { openWriter } from "./write-verbs.ts";

test("reap removes the rows of keys that have expired, which no read would show", () => {
  const { database, verbs } = openWriter({ path: null, synchronous: "FULL", leaseMs: 1e6 });
  verbs.migrate(T0);
  verbs.join({ id: "node_a", host: "h", pid: 1 }, T0);
  const starts = ["one", "two", "three"].map((key, i) =>
    aStart(aRun(), { key: aKey({ key, expiresAt: after(T0, 10 + i) }) }),
  );
  verbs.commit("node_a", encodeUnits(starts), T0);
  const keys = (): unknown => database.prepare("select key from keys order by key").all();
  verbs.reap({ auditMs: null }, after(T0, 9));
  expect(keys()).toEqual([["one"], ["three"], ["two"]]);
  verbs.reap({ auditMs: null }, after(T0, 11));
  expect(keys()).toEqual([["three"]]);
  database.close();
});

test("reap removes an event that has expired with whom it has reached, and subscriptions that are over", () => {
  const { database, verbs } = openWriter({ path: null, synchronous: "FULL", leaseMs: 1e6 });
  verbs.migrate(T0);
  verbs.join({ id: "node_a", host: "h", pid: 1 }, T0);
  const shard = shardOfEvent(DEFAULT_TENANT, "paid");
  const expiresAt = after(T0, 10);
  const wait = { kind: "subscribe", shard, event: "paid", since: T0, expiresAt } as const;
  const event = { id: "e1", name: "paid", data: asJsonText("1"), publishedAt: T0 };
  const [had, over, waiting] = [aRun(), aRun(), aRun()].map(refOf);
  if (had === undefined || over === undefined || waiting === undefined) throw new Error("three");
  const units = [
    { ...wait, run: had, key: "had", until: null },
    { kind: "publish", tenant: DEFAULT_TENANT, shard, event, expiresAt },
    { ...wait, run: over, key: "over", since: after(T0, 1), until: after(T0, 5) },
    { ...wait, run: waiting, key: "waiting", since: after(T0, 1), until: null },
  ] as const;
  verbs.commit("node_a", encodeUnits(units), T0);
  const rows = (): unknown =>
    ["events", "event_deliveries", "subscriptions"].map((table) =>
      database.prepare(`select count(*) from ${table}`).all().flat(),
    );
  expect(rows()).toEqual([[1], [1], [3]]);
  verbs.reap({ auditMs: null }, after(T0, 9));
  expect(rows()).toEqual([[1], [1], [2]]);
  verbs.reap({ auditMs: null }, after(T0, 10));
  expect(rows()).toEqual([[0], [0], [1]]);
  expect(database.prepare("select key from subscriptions").all()).toEqual([["waiting"]]);
  database.close();
});
