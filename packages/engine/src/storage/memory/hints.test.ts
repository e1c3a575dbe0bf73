import { describe, expect, test } from "vitest";
import { aDelivery, aRun, refOf } from "../suite/builders.ts";
import { createOpenStorage, type Harness } from "../suite/index.ts";
import type { Hint } from "../storage.ts";
import { createMemoryStorage } from "./memory-storage.ts";

const open = (): Promise<Harness> =>
  createOpenStorage((now) => Promise.resolve({ storage: createMemoryStorage({ now }) }))();

/** What both members hear. */
function listen({ storage, node }: Harness): Record<"a" | "b", Hint[]> {
  const heard: Record<"a" | "b", Hint[]> = { a: [], b: [] };
  for (const name of ["a", "b"] as const)
    storage.hints.listen(node(name), (hint) => heard[name].push(hint));
  return heard;
}

describe("hints of the memory storage", () => {
  test("tell a run's owner of a message that another node has delivered, and nobody of its own", async () => {
    await using h = await open();
    const heard = listen(h);
    const [held] = await h.seedHeld([aRun()]);
    if (held === undefined) throw new Error("it is held");
    await h.commit(aDelivery(held.run));
    expect(heard).toEqual({ a: [], b: [] });
    await h.storage.commit(0, h.node("b"), [aDelivery(held.run)]);
    expect(heard).toEqual({ a: [{ kind: "inbox", run: refOf(held.run) }], b: [] });
  });

  test("reach one node, or all, until it listens no more", async () => {
    await using h = await open();
    const heard = listen(h);
    const { hints } = h.storage;
    hints.tell(h.node("a"), { kind: "due" });
    hints.tell(null, { kind: "due" });
    const stop = hints.listen(h.node("b"), (hint) => heard.b.push(hint));
    stop();
    hints.tell(h.node("b"), { kind: "due" });
    hints.tell(h.node("stranger"), { kind: "due" });
    expect(heard).toEqual({ a: [{ kind: "due" }, { kind: "due" }], b: [{ kind: "due" }] });
  });
});
