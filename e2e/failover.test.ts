// A primary that dies under load, and its standby that takes its place: real servers, real engines.
import { createEngine, type Log } from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import { createClient } from "@millrace/sdk/client";
import { describe, expect, test } from "vitest";
import { runStatements } from "../packages/engine/src/testkit/postgres/admin.ts";
import {
  startPostgres,
  type PostgresServer,
} from "../packages/engine/src/testkit/postgres/start-postgres.ts";
import { soon, TEST_TIMEOUT_MS, waitFor } from "./deadline.ts";
import { EngineLoad, expectedOf } from "./engine-load.ts";
import { startRelay } from "./relay.ts";

export const SHOWN_ON: readonly string[] = ["PostgreSQL"];

const LOAD = { orderCount: 300, waiterCount: 100, cancelledCount: 20 };

describe("a fail-over to a synchronous standby", { timeout: TEST_TIMEOUT_MS }, () => {
  test("loses nothing that was acknowledged under load, and doubles nothing", async () => {
    await using primary = await startPostgres({ inMemory: true });
    await using standby = await startPostgres({
      standbyOf: primary,
      synchronous: true,
      inMemory: true,
    });
    await using relay = await startRelay(primary);
    const load = new EngineLoad();
    try {
      const url = relay.urlOf(primary.url);
      for (let n = 0; n < 2; n++) await load.open(await createPostgresStorage({ url }));
      const ran = load.run(LOAD);
      await load.hasRun(100);
      await primary.kill();
      const { bodyCount } = load;
      await standby.promote();
      relay.pointTo(standby);
      expect(await ran).toEqual(expectedOf(LOAD));
      // It died in the middle.
      expect(load.bodyCount - bodyCount).toBeGreaterThan(100);
    } finally {
      await load.close();
    }
  });
});

async function ask(server: PostgresServer, text: string): Promise<unknown> {
  const [row] = await runStatements(server.url, text);
  return row?.["answer"];
}

/** What the primary writes from now on is lost with it. */
async function detach(standby: PostgresServer, primary: PostgresServer): Promise<void> {
  const written = String(await ask(primary, "select pg_current_wal_lsn() as answer"));
  const hasAll = `select pg_last_wal_replay_lsn() >= '${written}' as answer`;
  await waitFor("the standby to have all", async () => (await ask(standby, hasAll)) || undefined);
  await runStatements(standby.url, "alter system set primary_conninfo to ''");
  await runStatements(standby.url, "select pg_reload_conf()");
  const isGone = "select count(*) = 0 as answer from pg_stat_wal_receiver";
  await waitFor(
    "the standby to hear no more",
    async () => (await ask(standby, isGone)) || undefined,
  );
}

/** The second begins after the first was answered. */
async function acknowledgesBeat(primary: PostgresServer): Promise<void> {
  const lease = "select max(lease_until)::text as answer from millrace.nodes";
  for (let n = 0; n < 2; n++) {
    const before = await ask(primary, lease);
    await waitFor("a heartbeat", async () => (await ask(primary, lease)) !== before || undefined);
  }
}

/** Resolves with the error of the first warning that has these words. */
function listenFor(words: string): { readonly log: Log; readonly heard: Promise<string> } {
  const { promise: heard, resolve } = Promise.withResolvers<string>();
  const ignore = (): void => undefined;
  const warn = (fields: object): void => {
    const error: unknown = "err" in fields ? fields.err : undefined;
    if (error instanceof Error && error.message.includes(words)) resolve(error.message);
  };
  return { heard, log: { debug: ignore, info: ignore, warn, error: ignore } };
}

describe("a fail-over to a standby that was behind", { timeout: TEST_TIMEOUT_MS }, () => {
  test("is found and named, and all goes on from what the standby has (fault 19)", async () => {
    await using primary = await startPostgres({ inMemory: true });
    await using standby = await startPostgres({ standbyOf: primary, inMemory: true });
    await using relay = await startRelay(primary);
    const { log, heard } = listenFor("has lost writes");
    const gate = Promise.withResolvers<void>();
    const engine = createEngine({
      storage: await createPostgresStorage({ url: relay.urlOf(primary.url) }),
      functions: { hold: () => gate.promise.then(() => "held") },
      log,
    });
    await engine.start();
    const client = createClient({ engine });
    try {
      const { id } = await client.workflows.create({
        name: "Hold",
        steps: [{ id: "hold", type: "function", function: "hold" }],
      });
      await client.workflows.activate(id);
      const kept = await client.start("hold", null);
      await detach(standby, primary);
      const lost = await client.start("hold", null);
      await acknowledgesBeat(primary);
      await primary.kill();
      await standby.promote();
      relay.pointTo(standby);
      expect(await soon("the loss to be named", heard)).toMatch(
        /^The store has lost writes: it acknowledged a heartbeat of node node_\w+ at \S+Z, and the last that it has is of \S+Z\. /,
      );
      gate.resolve();
      expect(await soon("the run that was kept to end", kept.result())).toBe("held");
      expect(await client.runs.get(lost.id)).toBeNull();
      const next = await client.start("hold", null);
      expect(await soon("a new run to end", next.result())).toBe("held");
    } finally {
      await client.close();
      await engine.stop({ graceMs: 0 });
    }
  });
});
