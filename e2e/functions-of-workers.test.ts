// Functions that JSON workflows call, where their worker is attached to another server of one PostgreSQL.
import { createWorker, type Worker } from "@millrace/sdk/worker";
import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../packages/engine/src/testkit/postgres/shared-postgres.ts";
import { runIdOf } from "./client.ts";
import { TEST_TIMEOUT_MS, waitFor } from "./deadline.ts";
import { PostgresCluster } from "./postgres-cluster.ts";
import type { Server } from "./server.ts";
import { define, fn } from "./workload.ts";
import { openWorld } from "./world.ts";

const input = { n: "{{input.n}}" };
const DOUBLED = define("wf_doubled", [
  fn("first", "double", { config: { input } }),
  fn("second", "triple", { config: { input } }),
]);

const WAITS = '"waitingOn":{"kind":"worker","function":"triple"}';

type OfNumber = (input: { readonly n: number }) => unknown;

async function attach(
  { url, key }: Server,
  functions: Readonly<Record<string, OfNumber>>,
): Promise<Worker> {
  const worker = createWorker({ url, key, functions });
  await worker.start();
  return worker;
}

describe("functions of workers, on two servers", { timeout: TEST_TIMEOUT_MS }, () => {
  test("are called wherever their worker is, also when it leaves between two steps and comes back elsewhere", async () => {
    await using world = await openWorld();
    await using database = await createTestDatabase();
    const cluster = new PostgresCluster(world, database.url);
    const a = await cluster.start("a");
    const b = await cluster.start("b");
    await b.client.install(DOUBLED);
    const triple: OfNumber = ({ n }) => ({ n: n * 3 });
    await (await attach(a, { triple })).stop();
    const one = await attach(a, { double: ({ n }) => ({ n: n * 2 }) });
    const runId = runIdOf(await b.client.start("wf_doubled", { n: 7 }));
    await waitFor("the run to wait for the second function", async () => {
      const { data } = await b.client.send("GET", `/api/v1/runs/${runId}`);
      return JSON.stringify(data).includes(WAITS) ? true : undefined;
    });
    await one.stop();
    const other = await attach(b, { triple });
    try {
      expect(await a.client.ended(runId)).toMatchObject({
        status: "completed",
        output: { n: 21 },
      });
    } finally {
      await other.stop();
    }
  });
});
