// A real standby that lists are read from: what depends on it, and what does not.
import { expect, test } from "vitest";
import { runStatements } from "../packages/engine/src/testkit/postgres/admin.ts";
import { startPostgres } from "../packages/engine/src/testkit/postgres/start-postgres.ts";
import { soon, TEST_TIMEOUT_MS, waitFor } from "./deadline.ts";
import { PostgresCluster } from "./postgres-cluster.ts";
import { define, fn } from "./workload.ts";
import { openWorld } from "./world.ts";

const ONE_STEP = define("wf_one", [
  fn("add", "addOne", { config: { input: { n: "{{input.n}}" } } }),
]);

test(
  "lists and the audit come from the standby, and nothing else needs it",
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    await using world = await openWorld();
    await using primary = await startPostgres({ durable: false });
    await using standby = await startPostgres({ standbyOf: primary, durable: false });
    // A standby refuses it, and a node asks for its own.
    await runStatements(
      primary.url,
      "alter role millrace set default_transaction_isolation = 'serializable'",
    );
    const node = await new PostgresCluster(world, primary.url).start("a", {
      env: { MILLRACE_DATABASE_READ_URL: standby.url },
    });
    const { client } = node;
    await client.install(ONE_STEP);
    const { id, output } = await client.run("wf_one", { n: 1 });
    expect(output).toEqual({ n: 2 });
    const shown = await waitFor("the standby to have the run", async () => {
      const [run] = await client.list();
      return run?.status === "completed" ? run : undefined;
    });
    expect(shown.id).toBe(id);
    const audit = (): ReturnType<typeof client.send> => client.send("GET", "/api/v1/audit");
    expect((await audit()).status).toBe(200);

    await standby.stop("fast");
    const lists = [await client.send("GET", "/api/v1/runs"), await audit()];
    expect(lists.map(({ status, reason }) => [status, reason])).toEqual([
      [503, "storage.unavailable"],
      [503, "storage.unavailable"],
    ]);
    // The answer does not say where the databases are; the log does.
    await soon("the log to say why", node.process.says(`ECONNREFUSED 127.0.0.1:${standby.port}`));
    expect(await client.run("wf_one", { n: 2 })).toMatchObject({ output: { n: 3 } });
    await standby.start();
    await waitFor("the standby to have both", async () => {
      const { data } = await client.send("GET", "/api/v1/runs?status=completed");
      return (Array.isArray(data) && data.length === 2) || undefined;
    });
  },
);
