import { describe, expect, test } from "vitest";
import { createTestFolder } from "../suite/index.ts";
import { openWriter } from "./write-verbs.ts";

describe("reap", () => {
  test("leaves the process's own node alive however long it was busy, and frees an older one (faults 8, 42)", () => {
    using folder = createTestFolder();
    const writer = openWriter({ path: folder.file("store.db"), synchronous: "FULL", leaseMs: 1 });
    writer.verbs.migrate(null);
    writer.verbs.join({ id: "node_old", host: "here", pid: 1 }, null);
    writer.verbs.join({ id: "node_new", host: "here", pid: 1 }, null);
    outliveLease();
    writer.verbs.reap({ auditMs: null }, null);
    expect(() => writer.verbs.commit("node_new", [], null)).not.toThrow();
    writer.verbs.join({ id: "node_newer", host: "here", pid: 1 }, null);
    outliveLease();
    writer.verbs.reap({ auditMs: null }, null);
    expect(() => writer.verbs.commit("node_old", [], null)).toThrow("declared dead");
    writer.verbs.close();
  });
});

/** This machine's clock has moved past a lease of 1 ms. */
function outliveLease(): void {
  for (const since = Date.now(); Date.now() - since < 2;);
}
