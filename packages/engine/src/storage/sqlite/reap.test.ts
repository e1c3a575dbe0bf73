import { after } from "@millrace/protocol";
import { expect, test } from "vitest";
import { aKey, aRun, aStart, T0 } from "../suite/builders.ts";
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
  verbs.reap(after(T0, 9));
  expect(keys()).toEqual([["one"], ["three"], ["two"]]);
  verbs.reap(after(T0, 11));
  expect(keys()).toEqual([["three"]]);
  database.close();
});
