import { MillraceError } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Storage } from "../storage/storage.ts";
import { aCallStep, NodeWorld } from "../testkit/node-world.ts";

const AWAY = { code: "storage.unavailable" };

/** The world's store, which does not answer the first call of a kind, done or not. */
function failingOnce({ store }: NodeWorld, verb: "migrate" | "join" | "reap"): Storage {
  let isFirst = true;
  const once = async <T>(work: () => Promise<T>): Promise<T> => {
    const answer = await work();
    if (!isFirst) return answer;
    isFirst = false;
    throw new MillraceError("storage.unavailable");
  };
  switch (verb) {
    case "migrate":
      return { ...store, migrate: () => once(() => store.migrate()) };
    case "join":
      return { ...store, join: (node) => once(() => store.join(node)) };
    case "reap":
      return { ...store, reap: (request) => once(() => store.reap(request)) };
  }
}

describe("a node whose store goes away while it starts", () => {
  test.each(["migrate", "join", "reap"] as const)(
    "can be started again, and works: %s was not answered",
    async (verb) => {
      await using world = new NodeWorld();
      const member = world.prepare({
        storage: failingOnce(world, verb),
        functions: { a: () => "done" },
      });
      await expect(world.clock.run(member.node.start())).rejects.toMatchObject(AWAY);
      expect(member.node.health().state).toBe("starting");
      await world.clock.run(member.node.start());
      expect(member.node.health().state).toBe("ready");
      const runId = await world.start(member, await world.install(member, [aCallStep("a")]));
      expect(await world.ended(member, runId)).toMatchObject({ output: "done" });
    },
  );

  test("joins under another id, since one lives once", async () => {
    await using world = new NodeWorld();
    const ids: string[] = [];
    const storage = failingOnce(world, "reap");
    const member = world.prepare({
      storage: {
        ...storage,
        join: (node) => {
          ids.push(node.id);
          return storage.join(node);
        },
      },
    });
    await expect(world.clock.run(member.node.start())).rejects.toMatchObject(AWAY);
    await world.clock.run(member.node.start());
    expect(new Set(ids).size).toBe(2);
  });
});
