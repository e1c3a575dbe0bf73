import { createEngine, type Engine } from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import { workflow } from "@millrace/sdk";
import { createClient } from "@millrace/sdk/client";
import { createWorker } from "@millrace/sdk/worker";
import { expect, test } from "vitest";
import { createTestDatabase } from "../packages/engine/src/testkit/postgres/shared-postgres.ts";

export const SHOWN_ON: readonly string[] = ["PostgreSQL"];

test("signals that come by two nodes, one after the other, arrive in their order (fault 50)", async () => {
  await using database = await createTestDatabase();
  // Nodes that tell each other nothing look once a second: what happens by chance with hints happens always.
  const open = async (): Promise<Engine> => {
    const engine = createEngine({
      storage: await createPostgresStorage({ url: database.url, listens: false }),
    });
    await engine.start();
    return engine;
  };
  const [owner, other] = [await open(), await open()];
  try {
    const began = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const collect = workflow("collect", {}, async (ctx, _input: { readonly of: string }) => {
      await ctx.run("open", async () => {
        began.resolve();
        await gate.promise;
      });
      return [await ctx.waitForEvent("item"), await ctx.waitForEvent("item")];
    });
    await createWorker({ engine: owner, workflows: [collect] }).start();
    const client = createClient({ engine: owner });
    const run = await client.start(collect, { of: "items" });
    await began.promise;
    await createClient({ engine: other }).run(run.id).signal("item", 1);
    await client.run(run.id).signal("item", 2);
    gate.resolve();
    expect(await run.result()).toEqual([1, 2]);
  } finally {
    await Promise.all([owner.stop({ graceMs: 0 }), other.stop({ graceMs: 0 })]);
  }
});
